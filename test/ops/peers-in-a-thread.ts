// Peers in a thread of their own, which go on while the server's thread is kept from running: they connect, say so, send their requests at
// once or later, and report what they were answered. `kept` ones were served once before, on connections that they kept.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const { port, count, waitMillis, kept, flag } = workerData as {
  port: number
  count: number
  waitMillis: number
  kept: boolean
  flag: Int32Array
}

const request = `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`

function answerOn(socket: Socket): Promise<string> {
  let answer = ''
  return new Promise(resolve => {
    socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    socket.on('data', chunk => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer.split('\r\n')[0] || 'closed'))
  })
}

async function open(): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  return sockets
}

const before = kept ? await open() : []
for (const socket of before) {
  socket.write(request)
  await once(socket, 'data')
}

parentPort?.postMessage('ready')
parentPort?.once('message', async () => {
  const sockets = kept ? before : await open()
  const answers = sockets.map(answerOn)
  const ask = () => {
    for (const socket of sockets) socket.write(request)
  }
  if (waitMillis === 0) ask()
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  if (waitMillis > 0) {
    await sleep(waitMillis)
    ask()
  }
  parentPort?.postMessage(await Promise.all(answers))
})
