import t from 'tap'
import { exchange, exchangeBytes, type Wire } from './wire.ts'
import { startTestServer } from '../support/server.ts'
import { secretOf, api } from '../support/configuration.ts'
const bug = (e: unknown) => console.log('UNHANDLED', e)
process.on('unhandledRejection', bug)
t.test('x', async t => {
  const s = await startTestServer(t, { registration: { enabled: true }, clients: [{client_id:'app',type:'native',client_name:'App',redirect_uris:['com.example.app:/cb']}] })
  const url = new URL(s.issuer); const port = Number(url.port)
  const form = ['content-type', 'application/x-www-form-urlencoded'] as const
  const basic = (id: string, secret = secretOf(id)) => ['authorization', 'Basic ' + Buffer.from(id + ':' + secret).toString('base64')] as const
  const show = async (label: string, w: Wire) => {
    try { const a = await exchange(port, url.host, w)
      console.log(`## ${label}: ${a.status} ${a.headers['content-type']} cc=${a.headers['cache-control']} acao=${a.headers['access-control-allow-origin']} nosniff=${a.headers['x-content-type-options']} csp=${!!a.headers['content-security-policy']} loc=${a.headers['location']} www=${a.headers['www-authenticate']}\n   ${a.text.startsWith('<')||a.text.startsWith('\n<') ? 'HTML '+a.text.replace(/<[^>]*>/g,' ').replace(/\s+/g,' ').slice(0,300) : a.text.slice(0, 300)}`)
    } catch (e) { console.log('##', label, 'ERR', (e as Error).message) }
  }
  const posts = ['/oauth/token','/oauth/introspect','/oauth/revoke','/oauth/par','/oauth/device','/oauth/register','/userinfo','/device','/logout/confirm','/language','/interaction/abc','/authorize','/logout']
  for (const p of posts) {
    await show('POST empty ' + p, { method: 'POST', target: p })
    await show('POST json ' + p, { method: 'POST', target: p, headers: [['content-type','application/json']], body: '{}' })
    await show('POST badjson ' + p, { method: 'POST', target: p, headers: [['content-type','application/json']], body: '{"__proto__":' })
    await show('POST jsonnull ' + p, { method: 'POST', target: p, headers: [['content-type','application/json']], body: 'null' })
    await show('POST form% ' + p, { method: 'POST', target: p, headers: [form], body: 'a=%&b=%ff&grant_type=%00&__proto__=1&constructor=2' })
    await show('POST 1MB ' + p, { method: 'POST', target: p, headers: [form], body: 'a='+'x'.repeat(1<<20) })
    await show('POST 1MB chunked ' + p, { method: 'POST', target: p, headers: [form], body: 'a='+'x'.repeat(1<<20), chunked: true })
    await show('POST charset ' + p, { method: 'POST', target: p, headers: [['content-type','application/x-www-form-urlencoded; charset=nonsense']], body: 'a=1' })
    await show('POST gzip ' + p, { method: 'POST', target: p, headers: [form,['content-encoding','gzip']], body: 'a=1' })
    await show('POST html accept ' + p, { method: 'POST', target: p, headers: [form,['accept','text/html']], body: 'a=1' })
    await show('POST evil origin ' + p, { method: 'POST', target: p, headers: [form,['origin','https://evil.example']], body: 'a=1' })
    for (const m of ['TRACE','CONNECT','PUT','PATCH','DELETE','HEAD','GET','QUERY','PROPFIND','OPTIONS','FOO']) await show(m + ' ' + p, { method: m, target: p })
  }
  console.log(JSON.stringify(s.log.filter(l => l['level']==='error' || l['level']==='warn'), null, 1).slice(0, 6000))
})
