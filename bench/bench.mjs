/**
 * Every figure that the README states has a program here.
 *
 *     npm run bench -- crash-gap   what a worker's crash costs, on a real Kafka
 *     npm run bench -- sim         how fast the simulator is
 *     npm run bench -- runtime     the runtime beside other actor systems
 */
const PROGRAMS = ["crash-gap", "sim", "runtime"];

const [name] = process.argv.slice(2);
if (PROGRAMS.includes(name)) await import(`./${name}.mjs`);
else {
  console.error(`bench: ${JSON.stringify(name)} is not one; allowed: ${PROGRAMS.join(", ")}`);
  process.exitCode = 2;
}
