/** Why this exists: a story as lines in columns for a terminal, and as a diagram for a page. */
import { LEFT_OUT } from "./elided.ts";
import { FAULT_LANE, KAFKA, type Line } from "./story.ts";

const LINES_MAX = 40;
const COLUMN_MAX = 26;

/**
 * At most 40 lines: a column for each lane that takes part, faults right across, the oldest left
 * out and counted. `▶` is what goes to another lane.
 */
export function timeline(story: readonly Line[]): string[] {
  const kept = story.slice(-(LINES_MAX - 2));
  const lanes = lanesOf(kept).filter((lane) => lane !== FAULT_LANE && lane !== LEFT_OUT);
  const cell = ({ text, to }: Line): string => {
    const whole = `${text}${to === null ? "" : " ▶"}`;
    return whole.length > COLUMN_MAX ? `${whole.slice(0, COLUMN_MAX - 1)}…` : whole;
  };
  const columns = lanes.map((lane) => {
    const texts = kept.filter((line) => line.lane === lane).map((line) => cell(line).length);
    return { lane, width: Math.max(lane.length, ...texts) };
  });
  const rows = kept.map((line) => {
    const at = `${String(Math.round(line.at)).padStart(8)}  `;
    if (line.lane === LEFT_OUT) return `          ${line.text}`;
    if (line.lane === FAULT_LANE) return `${at}** ${line.text}`;
    const cells = columns.map(({ lane, width }) =>
      (lane === line.lane ? cell(line) : "").padEnd(width),
    );
    return `${at}${cells.join("  ")}`.trimEnd();
  });
  const head = columns.map(({ lane, width }) => lane.padEnd(width)).join("  ");
  const left = story.length - kept.length;
  const earlier = left > 0 ? [`          … ${left} earlier`] : [];
  return [`   t(ms)  ${head}`.trimEnd(), ...earlier, ...rows];
}

/** Mermaid: paste it into a page that draws it. */
export function sequenceDiagram(story: readonly Line[]): string {
  const lanes = lanesOf(story);
  const id = (lane: string): string => `L${lanes.indexOf(lane)}`;
  const lines = story.map(({ at, lane, text, to }) => {
    const said = `${Math.round(at)} ms: ${text.replaceAll(/[;#]/g, ",")}`;
    if (to === null || !lanes.includes(to)) return `  Note over ${id(lane)}: ${said}`;
    return `  ${id(lane)}->>${id(to)}: ${said}`;
  });
  const participants = lanes.map((lane) => `  participant ${id(lane)} as ${lane}`);
  return ["sequenceDiagram", ...participants, ...lines, ""].join("\n");
}

/** By name, faults first, the broker last. */
function lanesOf(story: readonly Line[]): string[] {
  const lanes = [...new Set(story.flatMap(({ lane, to }) => (to === null ? [lane] : [lane, to])))];
  const rank = (lane: string): number => (lane === FAULT_LANE ? 0 : lane === KAFKA ? 2 : 1);
  return lanes.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
