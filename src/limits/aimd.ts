// Additive increase, multiplicative decrease: what the sustained rate of a bucket becomes after the platform's answers.
// Refusals halve it, so that a limit we do not know exactly is found; answers bring it back slowly. Never above the rule.

/** What a refusal leaves of the rate. */
export const DECREASE = 0.5;
/** What each answer gives back, as a part of the rule's rate: 50 answers undo one refusal at full rate. */
export const INCREASE = 0.01;
/** The rate never falls below this part of the rule. */
export const FLOOR = 0.05;

/** Factor after a 429. While the bucket is parked, further refusals are late news of the same event and change nothing. */
export function decreasedFactor(factor: number, isParked: boolean): number {
  return isParked ? factor : Math.max(FLOOR, factor * DECREASE);
}

/** Factor after an answer. */
export function recoveredFactor(factor: number): number {
  return Math.min(1, factor + INCREASE);
}
