// Names that a development start takes for its demo. Known here, below the parts that make them, so that a configuration cannot declare
// something else under one of them.

export const demoWebClientId = 'demo-web'
export const demoMachineClientId = 'demo-machine'
export const demoLogin = 'demo@example.com'
