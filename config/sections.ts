/** What a project may declare in its mlforge.yaml beside its configuration, in the order in which it is applied. */
export const SECTIONS = ['pools', 'pipelines', 'assets', 'schedules', 'sensors'] as const
export type Section = (typeof SECTIONS)[number]
