import { Transform } from 'class-transformer'

/** A member whose form is looked at where it is used: it is taken as it came, whatever its keys. */
export const AsItCame = (): PropertyDecorator =>
  Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key])
