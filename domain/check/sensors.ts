import type { TickOutcome } from '../sensors/sensor.js'
import type { CheckProblem, StackFacts } from './facts.js'

/** Rows of sensors, as a check reads them. */
export interface SensorFacts {
  readonly sensors: readonly {
    readonly id: string
    readonly project: string
    readonly name: string
    /** How many were sent to it, by its own count. */
    readonly events: number
    /** How many there are. */
    readonly eventRows: number
  }[]
  readonly sensorTicks: readonly {
    readonly sensorId: string
    readonly incarnation: number
    readonly key: string
    readonly outcome: TickOutcome
    readonly runId: string | null
    /** Content that was kept with it. */
    readonly objectUri: string | null
  }[]
}

/**
 * A tick that was started has its run, and one alone; a run that a sensor began has its tick; what was sent
 * to a sensor is there.
 */
export function checkSensors(facts: StackFacts): CheckProblem[] {
  const names = new Map(facts.sensors.map(({ id, project, name }) => [id, `${project}/${name}`]))
  const runs = new Map(facts.runs.map(run => [run.id, run]))
  const problems: CheckProblem[] = []
  const begun = new Set<string>()
  for (const { sensorId, incarnation, key, outcome, runId } of facts.sensorTicks) {
    if (runId !== null) begun.add(runId)
    const isWhole =
      outcome === 'started' ? runId !== null && runs.get(runId)?.trigger === 'sensor' : runId === null
    if (isWhole) continue
    const at = `sensor ${names.get(sensorId) ?? sensorId}, tick ${incarnation}/${key}`
    const message = `The tick is ${outcome}, and its run is ${runId ?? 'none'}, which does not go together. Restore a backup, or reset the sensor.`
    problems.push({ code: 'tick_without_run', at, message })
  }
  for (const { id, name } of facts.runs.filter(({ trigger }) => trigger === 'sensor')) {
    if (begun.has(id)) continue
    const message = `A sensor has begun this run of pipeline "${name}", and none has a tick for it. Restore a backup.`
    problems.push({ code: 'run_without_tick', at: id, message })
  }
  for (const { project, name, events, eventRows } of facts.sensors) {
    if (events === eventRows) continue
    const message = `${events} events were sent to it, ${eventRows} are there. Restore a backup.`
    problems.push({ code: 'event_gap', at: `sensor ${project}/${name}`, message })
  }
  return problems
}
