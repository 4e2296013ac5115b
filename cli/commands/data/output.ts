import { isErrorCode, MlforgeError } from '../../../domain/errors.js'
import type { TransferProgress } from '../../../sdk/data/data-client.js'
import { Refused } from '../../../sdk/rest.js'

const REDRAW_MS = 200

/** Shows how far something is, where a person looks on. */
export function progressLine(what: string): {
  show(bytes: number, total: number, files?: { readonly done: number; readonly total: number }): void
  end(): void
} {
  const isShown = process.stderr.isTTY
  let drawnAt = 0
  return {
    show(bytes, total, files) {
      if (!isShown || Date.now() - drawnAt < REDRAW_MS) return
      drawnAt = Date.now()
      const ofFiles = files ? `${files.done} of ${count(files.total, 'file')}, ` : ''
      process.stderr.write(`\r${what}: ${ofFiles}${size(bytes)} of ${size(total)}\u001b[K`)
    },
    end() {
      if (isShown && drawnAt > 0) process.stderr.write('\r\u001b[K')
    },
  }
}

/** The same of what a client of datasets sends or checks out. */
export function transferLine(what: string): { readonly show: TransferProgress; end(): void } {
  const line = progressLine(what)
  return {
    show: ({ bytes, total, files, totalFiles }) =>
      line.show(bytes, total, { done: files, total: totalFiles }),
    end: () => line.end(),
  }
}

/** Bytes for people. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return unit === 0 ? `${value} ${value === 1 ? 'byte' : 'bytes'}` : `${value.toFixed(1)} ${units[unit]}`
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

/** What the API refuses is reported like everything else that is wrong. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { code, detail, problems } = error.problem
    throw new MlforgeError(isErrorCode(code) ? code : 'internal', detail, problems ? { problems } : {})
  }
}
