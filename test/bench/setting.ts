// What all servers of the bench agree on: the API that tokens are for, and that codes live long enough to be collected.

export const benchApi = 'https://bench.example.com'
export const scope = 'read:things'

export const overrides = {
  authorizationCodes: { lifetime: '10m' },
  resources: [
    {
      identifier: benchApi,
      scopes: { [scope]: { en: 'See your things' } },
      clients: ['*first_party*', 'billing']
    }
  ]
}
