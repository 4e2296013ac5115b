import { MlforgeError } from '../../domain/errors.js'

/** What the file system refused, with what can be done about it. @param where it works, for errors that name no path */
export function said(error: unknown, where?: string): unknown {
  if (typeof error !== 'object' || error === null || !('syscall' in error)) return error
  const { code, path = where, message } = error as NodeJS.ErrnoException
  const what = path === undefined ? message : `"${path}": ${message}`
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new MlforgeError('forbidden', `${what}. Change the permissions and try again.`)
    case 'ENOTDIR':
      return new MlforgeError('invalid_request', `${what}. Name another place.`)
    case 'ENOSPC':
    case 'EDQUOT':
      return new MlforgeError('unavailable', `${what}. Make room on the disk and try again.`)
    default:
      return new MlforgeError('unavailable', `${what}. Try again.`)
  }
}
