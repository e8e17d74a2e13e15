// Node's diagnostic reports, which an operator may switch on (`--report-on-fatalerror`): by default they list the environment,
// and with it the login of this process.

/** Reports of this process leave the environment out. Call it first thing. */
export function hideEnvironment(): void {
  process.report.excludeEnv = true;
}
