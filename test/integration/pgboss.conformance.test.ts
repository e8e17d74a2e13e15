import { queueConformance } from '../conformance/queue/index.ts';
import { openPgBoss } from '../support/engines-under-test.ts';

queueConformance('pgboss', { wakes: true }, openPgBoss);
