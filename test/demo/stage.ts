// What the scenes of the demo share.

import type { Session } from '../../src/app/session.ts';
import type { Output } from '../../src/cli/output.ts';
import type { Config } from '../../src/config/config.ts';
import type { UpworkSimulator } from '../simulators/upwork/simulator.ts';
import type { Scenario } from './scenario.ts';

export interface Stage {
  readonly sim: UpworkSimulator;
  readonly scenario: Scenario;
  readonly session: Session;
  readonly config: Config;
  readonly folder: string;
  /** Where the installation's api listens. */
  readonly address: string;
  readonly output: Output;
}
