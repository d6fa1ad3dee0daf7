/**
 * Why this exists: every peer does the same work, so many times, measured in the same way. A peer's
 * program calls `measure` with one function for each workload: it is given a count, sets the scene,
 * and returns what is timed. That of `spawn` is timed itself; `end` ends what it has answered.
 *
 *     node --expose-gc <peer>.mjs <workload> <count>      prints one JSON line
 */
export const RING = 503;
export const SENDERS = 100;
/** For so long is the busy one busy. */
const BUSY_MS = 2_000;
/** So often in one process, of which the median counts: a server has run before it is busy. */
const TIMES = 3;

/** A promise and what resolves it. */
export function latch() {
  let open;
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** A plain loop: what is timed is what `make` costs. */
export function many(count, make) {
  const made = [];
  for (let i = 0; i < count; i++) made.push(make());
  return made;
}

export function mustBe(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}`);
}

const settle = async () => {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 5));
};

export async function measure(peer, workloads) {
  const [workload, text] = process.argv.slice(2);
  const set = workloads[workload];
  const count = Number(text);
  const row = { peer, workload };
  if (set === undefined) print({ ...row, none: true });
  else if (workload === "beside") print({ ...row, ...(await beside(await set(), count)) });
  else if (workload === "backlog") print({ ...row, ...(await backlog(await set(count))) });
  else if (workload === "spawn") print({ ...row, ...(await spawned(set, workloads.end, count)) });
  else {
    // The first time is V8's: it compiles what the others run.
    await (await set(Math.max(1_000, Math.round(count / 5 / 1_000) * 1_000), true))();
    const times = [];
    for (let i = 0; i < TIMES; i++) {
      await settle();
      times.push(await timed(await set(count, false), count));
    }
    print({ ...row, ...median(times) });
  }
  process.exit(0);
}

function median(times) {
  times.sort((a, b) => a.opsPerSecond - b.opsPerSecond);
  return times[TIMES >> 1];
}

async function timed(run, count) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await run();
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return {
    opsPerSecond: Math.round((count / ms) * 1_000),
    cpuNsPerOp: Math.round(((user + system) * 1_000) / count),
  };
}

/** `end`: of all that `spawn` has answered, or the next time would find them in its way. */
async function spawned(spawn, end, count) {
  await end(await spawn(Math.round(count / 5)));
  const times = [];
  for (let i = 0; i < TIMES; i++) times.push(await spawnedOnce(spawn, end, count));
  return median(times);
}

/** A function of its own: what one time has kept is nobody's at the next. */
async function spawnedOnce(spawn, end, count) {
  await settle();
  const before = process.memoryUsage();
  let kept;
  const figures = await timed(async () => {
    kept = await spawn(count);
  }, count);
  await settle();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external;
  mustBe(kept.length, count);
  await end(kept);
  return { ...figures, bytesPerActor: Math.round(bytes / count) };
}

/** How long calls take while another actor never rests. */
async function beside({ busy, call }, count) {
  busy(Date.now() + BUSY_MS);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const us = [];
  const began = performance.now();
  while (us.length < count && performance.now() - began < BUSY_MS - 100) {
    const asked = performance.now();
    await call();
    us.push((performance.now() - asked) * 1_000);
  }
  const opsPerSecond = Math.round((us.length / (performance.now() - began)) * 1_000);
  us.sort((a, b) => a - b);
  const at = (part) => Math.round(us[Math.floor((us.length - 1) * part)] * 10) / 10;
  return { opsPerSecond, p50Us: at(0.5), p99Us: at(0.99) };
}

/** How late timers are while very many messages wait, and what memory is left when they are done. */
async function backlog({ count, enqueue, done }) {
  await settle();
  const before = process.memoryUsage().heapUsed;
  enqueue();
  const full = process.memoryUsage().heapUsed;
  let last = performance.now();
  let latestMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    latestMs = Math.max(latestMs, now - last - 5);
    last = now;
  }, 5);
  const began = performance.now();
  await done();
  const ms = performance.now() - began;
  // One that never came is late, too.
  latestMs = Math.max(latestMs, performance.now() - last - 5);
  clearInterval(timer);
  await settle();
  const mb = (bytes) => Math.round(bytes / 1e5) / 10;
  return {
    opsPerSecond: Math.round((count / ms) * 1_000),
    timerLateMs: Math.round(latestMs * 10) / 10,
    fullMb: mb(full - before),
    leftMb: mb(process.memoryUsage().heapUsed - before),
  };
}

const print = (row) => console.log(JSON.stringify(row));
