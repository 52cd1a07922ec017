// What is refused of the issuers whose tokens are trusted: that they are none, are this server, or cannot be asked for their keys.

import t from 'tap'
import { type Refusal, refuses } from './refusal.ts'
import { productionEnv } from './sound.ts'

const refusals: Refusal[] = [
  ...[
    ['ci.example.com', 'issuer', /https URL/],
    ['http://ci.example.com', 'issuer', /https URL/],
    ['https://ci.example.com?x', 'issuer', /https URL/],
    ['https://ann@ci.example.com', 'issuer', /https URL/],
    ['spiffe://Example.org', 'issuer', /trust domain/],
    ['spiffe://example.org/ns', 'issuer', /trust domain/],
    ['spiffe://example.org', 'jwksUri', /does not say where its keys are/],
    ['https://id.example.com', 'issuer', /this server itself/],
    ['https://id.example.com/', 'issuer', /this server itself/]
  ].map(([issuer, member, says]) => ({
    title: `the trusted issuer ${issuer}`,
    env: { MINTMARK_ISSUER: 'https://id.example.com', ...productionEnv },
    file: { trustedIssuers: [{ issuer }] },
    path: `trustedIssuers[0].${member}`,
    says: says as RegExp
  })),
  {
    title: 'keys of a trusted issuer over plain http',
    file: {
      trustedIssuers: [{ issuer: 'https://ci.example.com', jwksUri: 'http://ci.example.com/keys' }]
    },
    path: 'trustedIssuers[0].jwksUri',
    says: /https URL/
  },
  {
    title: 'one issuer twice',
    file: {
      trustedIssuers: [{ issuer: 'https://ci.example.com' }, { issuer: 'https://ci.example.com' }]
    },
    path: 'trustedIssuers[1].issuer',
    says: /same as that of trustedIssuers\[0\]/
  },
  {
    title: 'a trusted issuer’s tokens that live for a month',
    file: { trustedIssuers: [{ issuer: 'https://ci.example.com', maxLifetime: '30d' }] },
    path: 'trustedIssuers[0].maxLifetime',
    says: /between 1m and 7d/
  },
  {
    title: 'a trusted issuer that signs with secrets',
    file: { trustedIssuers: [{ issuer: 'https://ci.example.com', algorithms: ['HS256'] }] },
    path: 'trustedIssuers[0].algorithms[0]',
    says: /must be one of/
  }
]

refuses(t, 'production', productionEnv, refusals)
