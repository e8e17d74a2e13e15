// Parameters of a call, however they came: in the address, as a form, as JSON or in parts. The platform never minds a value
// out of range or of another type; it takes what it can read.

import type { SimulatorRequest } from '../server.ts';
import { badRequest } from './failure.ts';

export type Parameters = Readonly<Record<string, unknown>>;

/** A file that came along with the call. Its bytes are not kept. */
export interface UploadedFile {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

export async function parametersOf({ query, headers, body }: SimulatorRequest): Promise<Parameters> {
  const asked: Record<string, unknown> = Object.fromEntries(query);
  const type = headers['content-type'] ?? '';
  if (body === '') return asked;
  if (type.startsWith('application/json')) return { ...asked, ...objectIn(body) };
  if (type.startsWith('multipart/form-data')) return { ...asked, ...(await partsIn(body, type)) };
  return { ...asked, ...Object.fromEntries(new URLSearchParams(body)) };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below, like a value that is no object.
  }
  throw badRequest("can't parse JSON object");
}

async function partsIn(body: string, type: string): Promise<Record<string, unknown>> {
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  return Object.fromEntries(
    [...form].map(([name, value]) => [
      name,
      typeof value === 'string' ? value : { name: value.name, type: value.type, size: value.size },
    ]),
  );
}

export interface IntegerRange {
  readonly otherwise: number;
  readonly min: number;
  readonly max: number;
}

/** Clamped, never refused. */
export function integerIn(parameters: Parameters, name: string, { otherwise, min, max }: IntegerRange): number {
  const text = textIn(parameters, name);
  if (text === '') return otherwise;
  const value = Number.parseInt(text, 10);
  return Math.min(max, Math.max(min, Number.isNaN(value) ? 0 : value));
}

export function textIn(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function isSet(parameters: Parameters, name: string): boolean {
  return ['true', 'yes', '1'].includes(textIn(parameters, name).toLowerCase());
}

/** A list or an object, which is JSON text in everything but a JSON body. Undefined for what does not parse. */
export function structureIn(parameters: Parameters, name: string): unknown {
  const value = parameters[name];
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

export function uploadIn(parameters: Parameters, name: string): UploadedFile | undefined {
  const value = parameters[name];
  return value !== null && typeof value === 'object' && 'size' in value ? (value as UploadedFile) : undefined;
}
