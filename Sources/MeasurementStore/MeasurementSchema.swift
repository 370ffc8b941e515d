/// The store's tables.
///
/// README.md beside this file says what the columns mean.
enum MeasurementSchema {
  /// `RPMS` as SQLite's application id, by which a store is told from other databases.
  static let applicationID: Int64 = 0x5250_4D53
  /// Rises with every change that an older version cannot read.
  static let version: Int64 = 1

  static let creation = """
    CREATE TABLE machine (
      id INTEGER PRIMARY KEY, gpu TEXT NOT NULL, sm_count INTEGER NOT NULL, driver TEXT NOT NULL,
      UNIQUE (gpu, sm_count, driver));
    CREATE TABLE kernel (
      id INTEGER PRIMARY KEY, image TEXT NOT NULL, variant TEXT NOT NULL, UNIQUE (image, variant));
    CREATE TABLE batch (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, text TEXT NOT NULL);
    CREATE TABLE measurement (
      id INTEGER PRIMARY KEY,
      machine INTEGER NOT NULL REFERENCES machine, kernel INTEGER NOT NULL REFERENCES kernel,
      batch INTEGER NOT NULL REFERENCES batch,
      cache TEXT NOT NULL, in_graph INTEGER NOT NULL,
      status INTEGER NOT NULL, reason TEXT NOT NULL,
      UNIQUE (batch, kernel, machine, cache, in_graph));
    CREATE TABLE sample_set (
      measurement INTEGER NOT NULL REFERENCES measurement, date TEXT NOT NULL,
      samples TEXT NOT NULL, sm_mhz INTEGER NOT NULL, memory_mhz INTEGER NOT NULL,
      throttle INTEGER NOT NULL,
      PRIMARY KEY (measurement, date, samples, sm_mhz, memory_mhz, throttle)) WITHOUT ROWID;
    PRAGMA application_id = \(applicationID);
    PRAGMA user_version = \(version);
    """

  static let addMachine =
    "INSERT OR IGNORE INTO machine (gpu, sm_count, driver) VALUES (?1, ?2, ?3)"
  static let addKernel = "INSERT OR IGNORE INTO kernel (image, variant) VALUES (?1, ?2)"
  static let addBatch = "INSERT OR IGNORE INTO batch (key, text) VALUES (?1, ?2)"
  static let findBatch = "SELECT text FROM batch WHERE key = ?1"

  private static let matching = """
    batch.key = ?1 AND kernel.image = ?2 AND kernel.variant = ?3
    AND machine.gpu = ?4 AND machine.sm_count = ?5 AND machine.driver = ?6
    """

  /// Adds a measurement, or raises its status; of two reasons the one that sorts first stays, so that
  /// merging in any order gives the same.
  static let addMeasurement = """
    INSERT INTO measurement (machine, kernel, batch, cache, in_graph, status, reason)
    SELECT machine.id, kernel.id, batch.id, ?7, ?8, ?9, ?10 FROM machine, kernel, batch
    WHERE \(matching)
    ON CONFLICT (batch, kernel, machine, cache, in_graph) DO UPDATE SET
      reason = CASE WHEN excluded.status > status THEN excluded.reason
        WHEN excluded.status = status THEN min(reason, excluded.reason) ELSE reason END,
      status = max(status, excluded.status)
    """

  static let findMeasurement = """
    SELECT measurement.id, status, reason, batch.text FROM measurement
    JOIN batch ON batch.id = batch JOIN kernel ON kernel.id = kernel
    JOIN machine ON machine.id = machine
    WHERE \(matching) AND cache = ?7 AND in_graph = ?8
    """

  static let addSampleSet = "INSERT OR IGNORE INTO sample_set VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
  static let findSampleSets = """
    SELECT date, samples, sm_mhz, memory_mhz, throttle FROM sample_set WHERE measurement = ?1
    ORDER BY date, samples, sm_mhz, memory_mhz, throttle
    """

  /// All measurements, in an order that does not depend on how they came into the store.
  static let everyMeasurement = """
    SELECT measurement.id, status, reason, gpu, sm_count, driver, image, variant, text, cache,
      in_graph
    FROM measurement JOIN batch ON batch.id = batch JOIN kernel ON kernel.id = kernel
    JOIN machine ON machine.id = machine
    ORDER BY gpu, sm_count, driver, image, variant, text, cache, in_graph
    """

  static let everyKernel = """
    SELECT DISTINCT measurement.machine, measurement.kernel, gpu, sm_count, driver, image, variant
    FROM measurement JOIN kernel ON kernel.id = kernel JOIN machine ON machine.id = machine
    """

  /// The samples of all measurements in one state, those of one measurement together.
  static let everySample = """
    SELECT measurement.id, status, reason, machine, kernel, text, samples
    FROM measurement JOIN batch ON batch.id = batch
    LEFT JOIN sample_set ON sample_set.measurement = measurement.id
    WHERE cache = ?1 AND in_graph = ?2 ORDER BY measurement.id
    """
}
