/**
 * Why this exists: most of a story is work that goes on as it should. A reader needs where it
 * begins and where it ends; what is left out is counted, never hidden.
 */
import { FAULT_LANE, type Line } from "./story.ts";

const ROUTINE = /^(records|handle|acked|ack|commit) |^[\d,.]+ ok$|^\S+\/\d+ = /;
/** A story of so many lines is told as it is. */
const WHOLE_MAX = 20;
/** How much is told of a stretch of routine: its begin, and its end. */
const FIRST = 1;
const LAST = 2;
/** What says the same again and again is said so often, and once more at the end. */
const SAME_MAX = 2;

/** The lane of what stands for lines that are left out. */
export const LEFT_OUT = "";

/** Without the middle of what only goes on, and of what repeats itself. */
export function elided(story: readonly Line[]): Line[] {
  if (story.length <= WHOLE_MAX) return [...story];
  const left = new Set([...goingOn(story), ...repeated(story)]);
  const lines: Line[] = [];
  let skipped: Line[] = [];
  const mark = (): void => {
    // One line that stands for one line says less.
    if (skipped.length < 2) lines.push(...skipped);
    else lines.push(marker(skipped));
    skipped = [];
  };
  for (const [i, line] of story.entries()) {
    if (left.has(i)) skipped.push(line);
    else {
      mark();
      lines.push(line);
    }
  }
  mark();
  return lines;
}

const marker = (lines: readonly Line[]): Line => ({
  at: lines[0]?.at ?? 0,
  lane: LEFT_OUT,
  to: null,
  text: `… ${lines.length} lines like these`,
});

/** Of every stretch of routine the middle, as long as all numbers in it go up. */
function goingOn(story: readonly Line[]): number[] {
  const left: number[] = [];
  let from = 0;
  for (let i = 0; i <= story.length; i++) {
    if (i < story.length && isRoutine(story[i])) continue;
    left.push(...middle(story, from, i));
    from = i + 1;
  }
  return left;
}

function middle(story: readonly Line[], from: number, to: number): number[] {
  const places = new Map<string, number>();
  const left: number[] = [];
  for (let i = from; i < to; i++) {
    const line = story[i] as Line;
    const key = shapeOf(line);
    const goesUp = placeOf(line) > (places.get(key) ?? -1);
    places.set(key, placeOf(line));
    if (goesUp && i >= from + FIRST && i < to - LAST) left.push(i);
  }
  return left;
}

/** What was said so often and is said again later. */
function repeated(story: readonly Line[]): number[] {
  const said = new Map<string, number[]>();
  for (const [i, line] of story.entries()) {
    if (line.lane === FAULT_LANE) continue;
    const key = isRoutine(line) ? `${line.lane} ${line.text}` : shapeOf(line);
    const at = said.get(key);
    if (at === undefined) said.set(key, [i]);
    else at.push(i);
  }
  return [...said.values()].flatMap((at) => at.slice(SAME_MAX, -1));
}

const isRoutine = (line: Line | undefined): boolean =>
  line !== undefined && ROUTINE.test(line.text);

/** By lane and by what they say, but for the numbers. */
const shapeOf = ({ lane, text }: Line): string =>
  `${lane} ${text.replaceAll(/\d+(?:[,.]+\d+)*/g, "#")}`;

/** The last number of a line, which goes up from one to the next; a member's own is none. */
const placeOf = ({ text }: Line): number => Number(/(\d+)(?: by \S+)?\D*$/.exec(text)?.[1] ?? -1);
