/**
 * Why this exists: the tests and the examples need a real Apache Kafka, and nobody should have to
 * install one. The jars come from Maven Central once; after that a broker is up in three seconds.
 *
 * Plain JavaScript, since Node 20 must run it (`npm run kafka`) without a build. The types stand in
 * `kafka-server.d.mts`.
 */
import { execFile, spawn } from "node:child_process";
import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const KAFKA_VERSION = "4.1.0";

const HOST = "127.0.0.1";
const NEEDED_JAVA = 17;
const READY_MS = 60_000;
const STOP_MS = 10_000;
const CACHE = fileURLToPath(new URL(`../../.cache/kafka-${KAFKA_VERSION}`, import.meta.url));
const INSTALL_JAVA = "Apache Kafka needs Java 17 or newer: apt-get install openjdk-17-jre-headless";
const INSTALL_MAVEN = "The first start fetches Apache Kafka with Maven: apt-get install maven";

const run = promisify(execFile);

/** A tool that must be installed first; its message is one line and says how. */
class MissingToolError extends Error {
  name = "MissingToolError";
}

/**
 * Starts a broker, on free ports unless one is given. A `dir` that already holds a broker's data is
 * used as it is; without `dir` the data lies in a temporary folder, which `stop` removes.
 */
export async function startKafka({ port, dir } = {}) {
  await needJava();
  const home = await install();
  const [clientPort, controllerPort] = await ports(port);
  const data = dir ?? (await mkdtemp(join(tmpdir(), "holdfast-kafka-")));
  await configure(home, data, clientPort, controllerPort);
  const broker = launch(home, data);
  try {
    await ready(broker, clientPort);
  } catch (error) {
    broker.child.kill("SIGKILL");
    await broker.ended;
    if (dir === undefined) await rm(data, { recursive: true, force: true });
    throw error;
  }
  return {
    port: clientPort,
    pid: broker.child.pid,
    home,
    dir: data,
    ended: broker.ended,
    async stop() {
      await terminate(broker);
      if (dir === undefined) await rm(data, { recursive: true, force: true });
    },
    async kill() {
      broker.child.kill("SIGKILL");
      await broker.ended;
    },
  };
}

/** What Kafka's own tool prints about a consumer group. */
export async function describeGroup({ bootstrap, group }) {
  const home = await install();
  const { stdout } = await java(
    home,
    "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    ["--bootstrap-server", bootstrap, "--describe", "--group", group],
  );
  return stdout;
}

async function needJava() {
  const { stderr } = await run("java", ["-version"]).catch(() => ({ stderr: "" }));
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < NEEDED_JAVA) throw new MissingToolError(INSTALL_JAVA);
}

/** Fetches the jars once, under a name of this process, so that half a download never counts. */
async function install() {
  const lib = join(CACHE, "lib");
  if (await exists(lib)) return CACHE;
  await run("mvn", ["-v"]).catch(() => {
    throw new MissingToolError(INSTALL_MAVEN);
  });
  const scratch = join(CACHE, `fetch-${process.pid}`);
  await mkdir(scratch, { recursive: true });
  try {
    await writeFile(join(scratch, "pom.xml"), POM);
    const output = `-DoutputDirectory=${join(scratch, "lib")}`;
    await run("mvn", ["-q", "-B", "dependency:copy-dependencies", output], { cwd: scratch });
    await rename(join(scratch, "lib"), lib).catch(async (error) => {
      // Somebody else was faster: theirs is whole too.
      if (!(await exists(lib))) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return CACHE;
}

const dependency = (group, artifact, version) =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
  `<version>${version}</version></dependency>`;

// Without the SLF4J binding Kafka is mute, even about a port that is taken.
const POM =
  '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>' +
  "<groupId>holdfast</groupId><artifactId>broker</artifactId><version>1</version>" +
  `<packaging>pom</packaging><dependencies>${[
    dependency("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    dependency("org.apache.kafka", "kafka-tools", KAFKA_VERSION),
    dependency("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"),
  ].join("")}</dependencies></project>`;

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The broker's port and the controller's, both held at once so that they differ. */
async function ports(wanted) {
  const client = await listen(wanted ?? 0);
  const controller = await listen(0);
  const found = [client.address().port, controller.address().port];
  for (const server of [client, controller]) await new Promise((done) => server.close(done));
  return found;
}

function listen(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) =>
      reject(error.code === "EADDRINUSE" ? new Error(`Port ${port} is in use`) : error),
    );
    server.listen(port, HOST, () => resolve(server));
  });
}

/** Writes the ports anew at every start, but formats a folder only once. */
async function configure(home, data, clientPort, controllerPort) {
  await mkdir(data, { recursive: true });
  const file = join(data, "server.properties");
  await writeFile(file, properties(join(data, "logs"), clientPort, controllerPort));
  if (await exists(join(data, "logs", "meta.properties"))) return;
  const id = (await java(home, "kafka.tools.StorageTool", ["random-uuid"])).stdout.trim();
  await java(home, "kafka.tools.StorageTool", ["format", "-t", id, "-c", file]);
}

const properties = (logs, clientPort, controllerPort) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${HOST}:${controllerPort}
listeners=PLAINTEXT://${HOST}:${clientPort},CONTROLLER://${HOST}:${controllerPort}
advertised.listeners=PLAINTEXT://${HOST}:${clientPort}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=${logs}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`;

const java = (home, main, args) =>
  run("java", ["-Xmx256m", "-cp", join(home, "lib", "*"), main, ...args]);

function launch(home, data) {
  const args = ["-Xmx512m", "-cp", join(home, "lib", "*"), "kafka.Kafka"];
  const child = spawn("java", [...args, join(data, "server.properties")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const broker = { child, said: "", ended: undefined };
  const keep = (chunk) => {
    broker.said = (broker.said + chunk).slice(-4000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  // A crash of this process must not leave a broker behind.
  const orphan = () => child.kill("SIGKILL");
  process.once("exit", orphan);
  broker.ended = new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("exit", (code) => resolve(code));
  }).finally(() => process.off("exit", orphan));
  return broker;
}

async function ready(broker, port) {
  const deadline = performance.now() + READY_MS;
  let over = false;
  void broker.ended.then(() => {
    over = true;
  });
  while (!(await answers(port))) {
    if (over) throw new Error(`Apache Kafka did not start:\n${broker.said}`);
    if (performance.now() > deadline) throw new Error(`Apache Kafka is not up:\n${broker.said}`);
    await sleep(50);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const say = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => say(true));
    socket.once("error", () => say(false));
  });
}

async function terminate({ child, ended }) {
  child.kill("SIGTERM");
  const patience = new AbortController();
  const late = sleep(STOP_MS, "late", { signal: patience.signal }).catch(() => undefined);
  if ((await Promise.race([ended, late])) === "late") child.kill("SIGKILL");
  patience.abort();
  await ended;
}
