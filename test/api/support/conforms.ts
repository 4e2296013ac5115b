import type { OpenAPIObject } from '@nestjs/swagger'

interface Schema {
  $ref?: string
  allOf?: Schema[]
  oneOf?: Schema[]
  type?: string
  nullable?: boolean
  enum?: unknown[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  items?: Schema
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  pattern?: string
}

type Content = Record<string, { schema?: Schema }>

/** Throws when an answer is not one that the OpenAPI document describes for its route and status. */
export function assertConforms(
  document: OpenAPIObject,
  method: string,
  path: string,
  response: Pick<Response, 'status' | 'headers'>,
  body: unknown,
): void {
  const route = routeOf(document, path)
  const operation = (document.paths[route ?? ''] ?? {})[method.toLowerCase() as 'get']
  // Addresses and methods that do not exist have no description.
  if (!operation) return
  const where = `${method} ${route} ${response.status}`
  const described = operation.responses[String(response.status)] as
    { description: string; content?: Content } | undefined
  if (!described) throw new Error(`${where} is not described`)
  if (response.status >= 400 && typeof body === 'object') {
    const { code } = body as { code?: string }
    // Of these an answer with an error status says how parts are.
    const isState = route === '/health' || !described.content?.['application/problem+json']
    if (!isState && !described.description.includes(`\`${code}\``))
      throw new Error(`${where} does not name ${code}`)
  }
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const schema = described.content?.[type]?.schema
  if (schema && type.endsWith('json')) check(document, schema, body, where)
}

/** Throws when a body is not one that the OpenAPI document describes for its route. */
export function assertTakes(document: OpenAPIObject, method: string, path: string, body: unknown): void {
  const route = routeOf(document, path)
  const operation = document.paths[route ?? '']?.[method.toLowerCase() as 'post']
  const { content } = (operation?.requestBody ?? {}) as { content?: Content }
  check(document, content?.['application/json']?.schema ?? {}, body, `${method} ${route}`)
}

function routeOf(document: OpenAPIObject, path: string): string | undefined {
  const parts = path.split('?')[0]!.split('/')
  const fits = (route: string) => {
    const pattern = route.split('/')
    return (
      pattern.length === parts.length && pattern.every((part, i) => part.startsWith('{') || part === parts[i])
    )
  }
  // A literal route such as .../latest goes before one with a parameter.
  return Object.keys(document.paths)
    .filter(fits)
    .sort((a, b) => a.split('{').length - b.split('{').length)[0]
}

function check(document: OpenAPIObject, schema: Schema, value: unknown, at: string): void {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').pop()!
    const target = document.components?.schemas?.[name] as Schema | undefined
    if (!target) throw new Error(`${at}: ${schema.$ref} is not there`)
    return check(document, target, value, at)
  }
  if (value === null) {
    if (schema.nullable !== true && (schema.type !== undefined || schema.properties || schema.oneOf)) {
      throw new Error(`${at} is null`)
    }
    return
  }
  for (const part of schema.allOf ?? []) check(document, part, value, at)
  if (schema.oneOf && !schema.oneOf.some(part => fits(document, part, value)))
    throw new Error(`${at} is none of what it may be: ${String(value)}`)
  if (schema.enum && !schema.enum.includes(value))
    throw new Error(`${at}: ${String(value)} is not in the list`)
  switch (schema.type) {
    case 'array':
      if (!Array.isArray(value)) throw new Error(`${at} is no list`)
      assertWithin(schema.minItems, value.length, schema.maxItems, at)
      return value.forEach((item, i) => check(document, schema.items ?? {}, item, `${at}[${i}]`))
    case 'object':
      return checkObject(document, schema, value, at)
    case 'integer':
      if (!Number.isInteger(value)) throw new Error(`${at} is no integer: ${String(value)}`)
      return
    case 'string':
      if (typeof value !== 'string') throw new Error(`${at} is no string: ${String(value)}`)
      // In characters, not in the halves that JavaScript counts.
      assertWithin(schema.minLength, [...value].length, schema.maxLength, at)
      if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
        throw new Error(`${at} is not like ${schema.pattern}: ${value}`)
      return
    case 'number':
    case 'boolean':
      if (typeof value !== schema.type) throw new Error(`${at} is no ${schema.type}: ${String(value)}`)
      return
    default:
  }
}

function fits(document: OpenAPIObject, schema: Schema, value: unknown): boolean {
  try {
    check(document, schema, value, '')
    return true
  } catch {
    return false
  }
}

function assertWithin(from = 0, length: number, to = Infinity, at: string): void {
  if (length < from || length > to) throw new Error(`${at} has a length of ${length}`)
}

function checkObject(document: OpenAPIObject, schema: Schema, value: unknown, at: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${at} is no object`)
  const members = value as Record<string, unknown>
  for (const name of schema.required ?? []) {
    if (!(name in members)) throw new Error(`${at} lacks ${name}`)
  }
  for (const [name, member] of Object.entries(members)) {
    const known = schema.properties?.[name]
    if (known) check(document, known, member, `${at}.${name}`)
    else if (typeof schema.additionalProperties === 'object') {
      check(document, schema.additionalProperties, member, `${at}.${name}`)
    } else if (schema.properties && schema.additionalProperties !== true && !isExtensible(at, schema)) {
      throw new Error(`${at} has ${name}, which is not described`)
    }
  }
}

/** Problems carry further details by RFC 9457. */
function isExtensible(at: string, { properties }: Schema): boolean {
  return properties?.['code'] !== undefined && (properties['detail'] !== undefined || at.endsWith('.error'))
}
