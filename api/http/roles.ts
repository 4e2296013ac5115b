import { SetMetadata } from '@nestjs/common'
import { ROLES, type Role } from '../../stores/postgres/entities/api-key.js'

export const ROLE = 'mlforge:role'

/** The least role that a route needs: viewer reads, operator starts and steers work, admin holds the keys. */
export const Needs = (role: Role) => SetMetadata(ROLE, role)

/** A route that answers without a key. */
export const Public = () => SetMetadata(ROLE, null)

/** True when `role` may do what `needed` may. */
export function allows(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
