// Work that many ask for at once.

import { expect, test } from 'vitest';
import { createFolded } from '../../src/api/folded.ts';
import { deferred, type Deferred } from '../../src/core/async.ts';

/** Work that begins when it is called and ends when the test says so. */
function createWork() {
  const begun: Deferred<void>[] = [];
  const work = (): Promise<void> => {
    const call = deferred();
    begun.push(call);
    return call.promise;
  };
  return { begun, work };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a flood of the same wish is one call under way and one behind it', async () => {
  const folded = createFolded();
  const { begun, work } = createWork();
  const asked = Array.from({ length: 100 }, () => folded('a', work));
  expect(begun).toHaveLength(1);
  begun[0]!.resolve();
  await asked[0];
  await turn();
  expect(begun).toHaveLength(2);
  begun[1]!.resolve();
  await Promise.all(asked);
  expect(begun).toHaveLength(2);
});

test('whoever asks is answered by a call that began afterwards', async () => {
  const folded = createFolded();
  const { begun, work } = createWork();
  const first = folded('a', work);
  const second = folded('a', work);
  begun[0]!.resolve();
  await first;
  await turn();
  const third = folded('a', work);
  expect(begun).toHaveLength(2);
  begun[1]!.resolve();
  await second;
  await turn();
  expect(begun).toHaveLength(3);
  begun[2]!.resolve();
  await third;
  void folded('a', work);
  expect(begun).toHaveLength(4);
});

test('a call that fails takes nobody behind it along, and wishes of others do not wait', async () => {
  const folded = createFolded();
  const { begun, work } = createWork();
  const [first, second, other] = [folded('a', work), folded('a', work), folded('b', work)];
  expect(begun).toHaveLength(2);
  begun[1]!.resolve();
  await other;
  begun[0]!.reject(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await turn();
  begun[2]!.resolve();
  await expect(second).resolves.toBeUndefined();
});
