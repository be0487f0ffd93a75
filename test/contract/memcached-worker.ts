/** The memcached store as another process opens it, for the races of the contract. */
import { Client } from 'memjs'
import { memcachedStore } from 'sojourn/stores/memcached'

export const openStore = async () => memcachedStore(Client.create(`127.0.0.1:${process.env.CONTRACT_MEMCACHED_PORT}`))
