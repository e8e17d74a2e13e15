// What Dockerfile, docker-compose.yml and the guide say, read so that a test can do the same without a Docker engine: the
// image's tree in a folder, its commands as an unprivileged user, the environment of each service.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { ROOT } from '../architecture/source-files.ts';

const run = promisify(execFile);

export type Environment = Readonly<Record<string, string>>;

export interface ComposeService {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Environment;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly restart?: string;
  readonly user?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly secrets?: readonly string[];
  readonly container_name?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly deploy?: { readonly replicas?: string };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>;
}

export interface Compose {
  readonly text: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

export async function readCompose(): Promise<Compose> {
  const text = await readFile(path.join(ROOT, 'docker-compose.yml'), 'utf8');
  return { text, ...(parse(text, { merge: true }) as Omit<Compose, 'text'>) };
}

/** As Compose fills in variables: `${X}`, `${X:-default}`, `${X:?}`, and `$$` for a dollar. */
export function filledIn(text: string, env: Environment): string {
  return text.replaceAll(/\$\$|\$\{(\w+)(?::([?-])([^}]*))?\}/g, (match, name: string, sign: string, rest: string) => {
    if (match === '$$') return '$';
    const value = env[name] ?? '';
    if (value === '' && sign === '?') throw new Error(`${name} is missing`);
    return value === '' && sign === '-' ? rest : value;
  });
}

/** A file of variables that may name earlier ones. */
export function parseEnvFile(text: string): Environment {
  const env: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) env[name] = filledIn(value!, env);
  }
  return env;
}

/** Shell blocks of the guide, in their order. */
export async function guideBlocks(): Promise<readonly string[]> {
  const text = await readFile(path.join(ROOT, 'docs/deploy.md'), 'utf8');
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!);
}

export interface Dockerfile {
  /** What follows each instruction of this name. */
  of(instruction: string): readonly string[];
  /** What is copied out of the repository. */
  readonly sources: readonly string[];
  readonly entry: readonly string[];
  readonly env: Environment;
}

export async function readDockerfile(): Promise<Dockerfile> {
  const lines = (await readFile(path.join(ROOT, 'Dockerfile'), 'utf8'))
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ instruction: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1).trim() }));
  const of = (instruction: string): readonly string[] =>
    lines.filter((line) => line.instruction === instruction).map(({ rest }) => rest);
  return {
    of,
    sources: of('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(' ').slice(0, -1)),
    entry: JSON.parse(of('ENTRYPOINT')[0]!) as string[],
    env: Object.fromEntries(
      of('ENV').flatMap((rest) => rest.split(/\s+/).map((word) => word.split('=', 2))),
    ) as Environment,
  };
}

export interface Image {
  readonly folder: string;
  /** Below `folder`: what is /app in the image. */
  readonly app: string;
}

/** The image's tree as the Dockerfile makes it. Throws where npm reaches neither its registry nor a cache. */
export async function buildImage({ of, sources }: Dockerfile): Promise<Image> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tm-image-'));
  await chmod(folder, 0o755);
  const app = path.join(folder, 'app');
  for (const source of sources) await cp(path.join(ROOT, source), path.join(app, source), { recursive: true });
  const [command, ...args] = of('RUN')[0]!.split(' ');
  await run(command!, [...args, '--prefer-offline', '--no-audit', '--no-fund'], { cwd: app });
  return { folder, app };
}

export const NOBODY = 65_534;
export const isRoot = process.getuid?.() === 0;

export interface Started {
  readonly child: ChildProcess;
  /** Exit code and everything that it wrote. */
  readonly ended: Promise<{ readonly code: number | null; readonly said: string }>;
}

/** A process without rights and with nothing but this environment. */
export function startUnprivileged(argv: readonly string[], options: { cwd: string; env: Environment }): Started {
  const [command, ...args] = argv;
  const child = spawn(command!, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, said })) };
}

/** Whether this machine has the program. */
export async function hasProgram(name: string): Promise<boolean> {
  return await run('sh', ['-c', `command -v ${name}`]).then(
    () => true,
    () => false,
  );
}
