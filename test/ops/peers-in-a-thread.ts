// Peers in a thread of their own, which go on while the server's thread is kept from running: they connect, say so, send their requests at
// once or later, and report what they were answered.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const { port, count, waitMillis, flag } = workerData as {
  port: number
  count: number
  waitMillis: number
  flag: Int32Array
}

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

parentPort?.postMessage('ready')
parentPort?.once('message', async () => {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  const answers = sockets.map(answerOn)
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  const ask = () => {
    for (const socket of sockets) socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
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
