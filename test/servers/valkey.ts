/** Valkey servers for tests: it takes Redis' arguments and speaks its protocol. */
import { type Make, type RedisCluster, type RedisServer, startCluster, startOne } from './redis.ts'

const VALKEY: Make = { program: 'valkey-server', debianPackage: 'valkey-server' }

export const startValkey = (...extraArgs: string[]): Promise<RedisServer> => startOne(VALKEY, extraArgs)

/** Three primaries, each with a replica. */
export const startValkeyCluster = (...extraArgs: string[]): Promise<RedisCluster> => startCluster(VALKEY, extraArgs)
