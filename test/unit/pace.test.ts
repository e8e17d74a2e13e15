import { expect, test } from 'vitest';
import { createPace } from '../../queues/pace.ts';

function turned(): { readonly mono: () => number; now: number } {
  const clock = { now: 0, mono: () => clock.now };
  return clock;
}

test('as many are claimed ahead as end within a tenth of a second, between the bounds', () => {
  const clock = turned();
  const pace = createPace({ clock, min: 10, max: 500 });
  expect(pace.ahead).toBe(10);
  for (let ended = 0; ended < 200; ended++) {
    clock.now += 0.5;
    pace.count();
  }
  expect(pace.ahead).toBeGreaterThan(190);
  expect(pace.ahead).toBeLessThan(215);
  for (let ended = 0; ended < 2_000; ended++) {
    clock.now += 0.05;
    pace.count();
  }
  expect(pace.ahead).toBe(500);
});

test('what was fast an hour ago says nothing about now', () => {
  const clock = turned();
  const pace = createPace({ clock, min: 10, max: 500 });
  for (let ended = 0; ended < 2_000; ended++) {
    clock.now += 0.05;
    pace.count();
  }
  expect(pace.ahead).toBe(500);
  clock.now += 3_600_000;
  expect(pace.ahead).toBe(10);
});
