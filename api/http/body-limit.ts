import { RouteConfig } from '@nestjs/platform-fastify'
import type { RouteOptions } from 'fastify'

/** Lets a route take JSON bodies up to this size where `api.maxBodyBytes` allows others less. */
export const BodyLimit = (bytes: number) => RouteConfig({ bodyLimit: bytes })

/** Applies `@BodyLimit()` to a route as it is added. */
export function applyBodyLimit(route: RouteOptions, maxBodyBytes: number): void {
  const { bodyLimit } = (route.config ?? {}) as { bodyLimit?: number }
  if (bodyLimit !== undefined) route.bodyLimit = Math.max(bodyLimit, maxBodyBytes)
}
