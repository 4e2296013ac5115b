/** What a project may declare in its mlforge.yaml beside its configuration, in the order in which it is applied. */
export const SECTIONS = ['pipelines', 'schedules'] as const
export type Section = (typeof SECTIONS)[number]
