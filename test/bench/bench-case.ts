// What a case of the bench hands back: figures of ours beside a bare reference that was measured in the same run.

import type { BenchWorld } from './world.ts';

/** What a figure should be: a bound on the ratio or on our own value. Shown, never asserted. */
export interface Target {
  readonly of: 'ratio' | 'ours';
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** The bare thing in the same unit; null when there is nothing to compare with. */
  readonly reference: number | null;
  /** Above 1 is better than the reference, whatever the unit. */
  readonly ratio: number | null;
  /** Null: a baseline without a target. */
  readonly target: Target | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface BenchOptions {
  /** Smaller sizes and fewer rounds: all cases together in about two minutes. */
  readonly quick: boolean;
  /** Tells people who wait what is being measured. */
  readonly note: (text: string) => void;
  /** Says in the report what this machine lacks a part for: `bullmq: needs redis-server on the PATH`. */
  readonly skip: (reason: string) => void;
}

export interface BenchCase {
  readonly name: string;
  run(world: BenchWorld, options: BenchOptions): Promise<readonly Figure[]>;
}

/** Null without a target. */
export function isMet({ target, ratio, ours }: Figure): boolean | null {
  if (target === null) return null;
  const value = target.of === 'ratio' ? ratio : ours;
  if (value === null) return false;
  return value >= (target.atLeast ?? -Infinity) && value <= (target.atMost ?? Infinity);
}
