// An API on Express that takes our access tokens, by issuer and audience: require-token.mjs is what to copy.

import express from 'express'
import { createRequireToken } from './require-token.mjs'

const issuer = process.env.MINTMARK_ISSUER ?? 'http://localhost:3000'
const audience = process.env.API_RESOURCE ?? 'https://things.example.com'
const requireToken = createRequireToken({ issuer, audience })

const app = express()
app.disable('x-powered-by')

app.get('/things', requireToken('read:things'), (request, response) => {
  response.set('cache-control', 'no-store').json({ things: ['a thing'], for: request.token.sub })
})

const server = app.listen(Number(process.env.API_PORT ?? 4000), '127.0.0.1', error => {
  if (error) throw error
  console.log(`http://127.0.0.1:${server.address().port}/things takes tokens for ${audience}`)
})
