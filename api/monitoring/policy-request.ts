import type { Reference, SetMonitoring, WindowSpec } from '../../contracts/rest/monitoring.js'
import type { PolicyRequest } from '../../domain/drift/monitoring-policy.js'
import type { Problem } from '../../domain/errors.js'

const WINDOW_FIELDS: Readonly<Record<WindowSpec['every'], readonly (keyof WindowSpec)[]>> = {
  month: [],
  week: [],
  day: [],
  fixed: ['lengthMs', 'originMs'],
}
const REFERENCE_FIELDS: Readonly<Record<Reference['kind'], readonly (keyof Reference)[]>> = {
  training: [],
  sameSeason: [],
  trailing: ['windows'],
  version: ['version'],
}

/** Fields that do not belong to the kind of window or reference, and those of it that are missing. */
export function policyFieldProblems({ window, reference }: SetMonitoring): Problem[] {
  return [
    ...(window ? fieldProblems('window', window, 'every', WINDOW_FIELDS[window.every], ['lengthMs']) : []),
    ...(reference
      ? fieldProblems('reference', reference, 'kind', REFERENCE_FIELDS[reference.kind], [
          'windows',
          'version',
        ])
      : []),
  ]
}

/** The request as the domain has it: plain, without what is undefined; to be called when its fields are right. */
export function policyRequest(body: SetMonitoring): PolicyRequest {
  return JSON.parse(JSON.stringify(body)) as PolicyRequest
}

function fieldProblems<T extends object>(
  at: string,
  value: T,
  kindOf: keyof T & string,
  known: readonly string[],
  needed: readonly string[],
): Problem[] {
  const given = Object.entries(value).flatMap(([key, each]) => (each == null || key === kindOf ? [] : [key]))
  return [
    ...given
      .filter(key => !known.includes(key))
      .map(key => ({
        at: `${at}.${key}`,
        message: `is no field of ${String(value[kindOf])}; it takes ${known.join(', ') || 'none'}.`,
      })),
    ...needed
      .filter(key => known.includes(key) && !given.includes(key))
      .map(key => ({ at: `${at}.${key}`, message: 'This field is needed.' })),
  ]
}
