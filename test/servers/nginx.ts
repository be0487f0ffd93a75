import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSignedCertificate } from '../http/support/certificate.ts'
import { Server, temporaryFolder } from './server.ts'

/**
 * Starts an nginx that ends TLS with a certificate of its own. One process without workers: ended, it leaves none behind.
 *
 * @param port - The one that shows that it is ready.
 * @param servers - `server { ... }` blocks of its configuration.
 */
export async function startNginx(port: number, servers: string): Promise<Server> {
  const folder = await temporaryFolder()
  const { key, cert } = selfSignedCertificate()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  const config = `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log stderr error;
    events { worker_connections 128; }
    http {
      access_log off;
      ${temporary.join(' ')}
      ssl_certificate ${folder}/cert.pem;
      ssl_certificate_key ${folder}/key.pem;
      ${servers}
    }`
  await Promise.all([
    writeFile(join(folder, 'key.pem'), key),
    writeFile(join(folder, 'cert.pem'), cert),
    writeFile(join(folder, 'nginx.conf'), config),
  ])
  return Server.start({
    program: 'nginx',
    debianPackage: 'nginx',
    port,
    args: ['-p', folder, '-c', join(folder, 'nginx.conf')],
    folder,
  })
}
