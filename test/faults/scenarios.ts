// The long forms of all faults: how much of each, and how long it may take. The judgement is in each scenario's own file.

import type { Lifetime } from '../support/lifetime.ts'
import type { DurableCluster } from './durable-cluster.ts'
import { promoteLateStandby, promoteStandby } from './failover.ts'
import { asserting, bound, certified } from './installation.ts'
import { useAtOnce, useAtOnceNaively } from './parallel-uses.ts'
import { killForgetfulPostgres, killPostgres } from './postgres-killed.ts'
import { noReplication } from './replicated-postgres.ts'
import type { Report } from './report.ts'
import { killNaiveServer, killServer } from './server-killed.ts'
import {
  crowdAtForgetfulServer,
  crowdAtNarrowPool,
  slowPostgres,
  slowPostgresNaively
} from './slow-postgres.ts'
import { killWhileSpending } from './spending-killed.ts'

export interface Scenario {
  name: string
  what: string
  /** it has failed when it takes longer */
  seconds: number
  /** why it cannot run on this machine */
  skip?: string | undefined
  run(report: Report, life: Lifetime, cluster: DurableCluster): Promise<void>
}

const life = { least: 100, most: 600 }
const widths = [2, 8, 32]
/** longer than a client waits (client.ts) */
const tooLong = 18
const slow = {
  clients: 32,
  crowd: 200,
  seconds: { crowd: 20, lock: 10, delay: 10, hole: 15, after: 8 },
  delayMillis: 500
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'killed',
    what: 'kill -9 of the server under 32 refreshing clients, 100 times',
    seconds: 1200,
    run: async (report, ends, cluster) =>
      killServer(report, ends, await cluster.createDatabase(), {
        clients: 32,
        kills: 100,
        inFlight: 3000,
        life
      })
  },
  {
    name: 'killed-naive',
    what: 'the control: separate statements without leeway, the same kills',
    seconds: 240,
    run: async (report, ends, cluster) =>
      killNaiveServer(report, ends, await cluster.createDatabase(), {
        clients: 32,
        kills: 20,
        inFlight: 300,
        leastPercent: 10,
        life
      })
  },
  {
    name: 'killed-bound',
    what: 'the same with tokens bound to a DPoP key, and two processes, killed in turn',
    seconds: 400,
    run: async (report, ends, cluster) =>
      killServer(
        report,
        ends,
        await cluster.createDatabase(),
        { clients: 32, kills: 40, inFlight: 500, life, app: bound },
        { processes: 2 }
      )
  },
  {
    name: 'killed-certified',
    what: 'the same with tokens bound to a certificate (mutual TLS), and two processes',
    seconds: 400,
    run: async (report, ends, cluster) =>
      killServer(
        report,
        ends,
        await cluster.createDatabase(),
        { clients: 32, kills: 40, inFlight: 500, life, app: certified },
        { processes: 2 }
      )
  },
  {
    name: 'killed-assertion',
    what: 'the same with clients that sign an assertion for each request, and two processes',
    seconds: 300,
    run: async (report, ends, cluster) =>
      killServer(
        report,
        ends,
        await cluster.createDatabase(),
        { clients: 32, kills: 20, inFlight: 250, life, app: asserting },
        { processes: 2 }
      )
  },
  {
    name: 'killed-code',
    what: 'kill -9 while 32 clients redeem authorization codes at two processes',
    seconds: 400,
    run: async (report, ends, cluster) =>
      killWhileSpending(report, ends, await cluster.createDatabase(), {
        kind: 'authorization_code',
        clients: 32,
        rounds: 40,
        processes: 2,
        inFlight: 400
      })
  },
  {
    name: 'killed-device',
    what: 'kill -9 while 32 devices redeem device codes at two processes',
    seconds: 500,
    run: async (report, ends, cluster) =>
      killWhileSpending(report, ends, await cluster.createDatabase(), {
        kind: 'device_code',
        clients: 32,
        rounds: 20,
        processes: 2,
        inFlight: 200
      })
  },
  {
    name: 'parallel',
    what: 'each one-time value, used 2, 8 and 32 times at once at two processes',
    seconds: 600,
    run: async (report, ends, cluster) =>
      useAtOnce(report, ends, await cluster.createDatabase(), { rounds: 20, widths })
  },
  {
    name: 'parallel-naive',
    what: 'the control: a code that is spent without a question',
    seconds: 120,
    run: async (report, ends, cluster) =>
      useAtOnceNaively(report, ends, await cluster.createDatabase(), { rounds: 10, widths })
  },
  {
    name: 'postgres-killed',
    what: 'kill -9 of PostgreSQL under 32 refreshing clients, 20 times',
    seconds: 400,
    run: async (report, ends, cluster) =>
      killPostgres(report, ends, cluster, await cluster.createDatabase(), {
        clients: 32,
        kills: 20
      })
  },
  {
    name: 'postgres-killed-async',
    what: 'the control: synchronous_commit=off',
    seconds: 200,
    run: async (report, ends, cluster) =>
      killForgetfulPostgres(report, ends, cluster, await cluster.createDatabase(), {
        clients: 32,
        kills: 3
      })
  },
  {
    name: 'failover',
    what: 'a primary killed under load and its synchronous standby promoted, 5 times',
    seconds: 300,
    skip: noReplication,
    run: (report, ends) => promoteStandby(report, ends, { clients: 32, failovers: 5 })
  },
  {
    name: 'failover-async',
    what: 'the control: an asynchronous standby',
    seconds: 120,
    skip: noReplication,
    run: (report, ends) => promoteLateStandby(report, ends, { clients: 32, failovers: 1 })
  },
  {
    name: 'narrow',
    what: 'a pool of 2 and 200 clients',
    seconds: 200,
    run: async (report, ends, cluster) =>
      crowdAtNarrowPool(report, ends, await cluster.createDatabase(), slow)
  },
  {
    name: 'narrow-naive',
    what: 'the control: who finds no connection is told that its token is unknown',
    seconds: 120,
    run: async (report, ends, cluster) =>
      crowdAtForgetfulServer(report, ends, await cluster.createDatabase(), slow)
  },
  {
    name: 'slow',
    what: 'a table lock, late answers, a black hole between server and PostgreSQL',
    seconds: 300,
    run: async (report, ends, cluster) =>
      slowPostgres(report, ends, await cluster.createDatabase(), slow)
  },
  {
    name: 'slow-naive',
    what: 'the controls: a read that fails has found nothing; a server without time-outs',
    seconds: 200,
    run: async (report, ends, cluster) =>
      slowPostgresNaively(report, ends, await cluster.createDatabase(), {
        ...slow,
        seconds: { ...slow.seconds, hole: tooLong }
      })
  }
]
