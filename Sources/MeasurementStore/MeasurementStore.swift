internal import CSQLite

/// A file of measurements: samples per machine, kernel, batch and state, kept as they arrive.
///
/// Any number of processes may use one file at once: readers never wait, writers wait for each other.
/// What an `append` has returned from is kept, however the process ends. A connection belongs to one
/// thread.
public struct MeasurementStore: ~Copyable {
  /// What a store is opened for.
  public enum Mode: Hashable, Sendable {
    /// Reading alone; the file must be there. Works in folders that cannot be written.
    case readOnly
    /// Reading and writing; an absent file is made.
    case readWrite
  }

  /// The file.
  public let path: String
  let connection: SQLiteConnection
  let statements: MeasurementStatements

  /// Opens a store.
  ///
  /// Throws `notAStore` for other files, which it leaves as they are, `newerVersion`, `readOnly` where
  /// writing was asked for and is not allowed, and `cannotOpen`.
  public init(
    path: String, mode: Mode = .readWrite,
    busyMilliseconds: Int32 = MeasurementLimits.busyMillisecondsDefault
  ) throws(MeasurementStoreError) {
    let connection =
      switch mode {
      case .readOnly: try Self.openReadOnly(path, busyMilliseconds)
      case .readWrite: try Self.openReadWrite(path, busyMilliseconds)
      }
    let statements = try MeasurementStatements(connection)
    self.path = path
    self.connection = connection
    self.statements = statements
  }

  private static func openReadWrite(
    _ path: String, _ busyMilliseconds: Int32
  ) throws(MeasurementStoreError) -> SQLiteConnection {
    let connection = try SQLiteConnection(
      path: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
      busyMilliseconds: busyMilliseconds)
    // SQLite opens what may not be written for reading, without a word.
    if connection.isReadOnly { throw MeasurementStoreError(.readOnly, path: path) }
    try configure(connection)
    if try isEmpty(connection) {
      try connection.transaction { () throws(MeasurementStoreError) in
        // Another process may have been faster.
        if try isEmpty(connection) { try connection.run(MeasurementSchema.creation) }
      }
    }
    try checkVersion(connection)
    try connection.useWriteAheadLog()
    // With a write-ahead log this loses nothing when a process is killed; only a loss of power can
    // take back the last transactions, and it leaves the file whole.
    try connection.run("PRAGMA synchronous = NORMAL")
    return connection
  }

  private static func openReadOnly(
    _ path: String, _ busyMilliseconds: Int32
  ) throws(MeasurementStoreError) -> SQLiteConnection {
    do {
      let connection = try SQLiteConnection(
        path: path, flags: SQLITE_OPEN_READONLY, busyMilliseconds: busyMilliseconds)
      try configure(connection)
      try checkVersion(connection)
      return connection
    } catch {
      switch error.kind {
      case .cannotOpen, .readOnly:
        guard SQLiteConnection.exists(path), !SQLiteConnection.exists("\(path)-wal") else {
          throw error
        }
      default: throw error
      }
    }
    // A folder that cannot be written has no place for the log's index. Without a log beside it the
    // file is whole as it stands, and nobody can change it there.
    let connection = try SQLiteConnection(
      path: path, uri: "file:\(SQLiteConnection.escaped(path))?immutable=1",
      flags: SQLITE_OPEN_READONLY, busyMilliseconds: busyMilliseconds)
    try configure(connection)
    try checkVersion(connection)
    return connection
  }

  /// A file from elsewhere may carry views and triggers: they may call nothing with side effects.
  private static func configure(
    _ connection: borrowing SQLiteConnection
  ) throws(MeasurementStoreError) {
    try connection.run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    try connection.run("PRAGMA foreign_keys = ON")
  }

  private static func isEmpty(
    _ connection: borrowing SQLiteConnection
  ) throws(MeasurementStoreError) -> Bool {
    let tables = try connection.integer("SELECT count(*) FROM sqlite_schema")
    let applicationID = try connection.integer("PRAGMA application_id")
    return tables == 0 && applicationID == 0
  }

  private static func checkVersion(
    _ connection: borrowing SQLiteConnection
  ) throws(MeasurementStoreError) {
    guard try connection.integer("PRAGMA application_id") == MeasurementSchema.applicationID else {
      throw MeasurementStoreError(.notAStore, path: connection.path)
    }
    let version = try connection.integer("PRAGMA user_version")
    guard version <= MeasurementSchema.version else {
      throw MeasurementStoreError(.newerVersion(Int(version)), path: connection.path)
    }
  }

  /// Reads every page and checks that all of it hangs together; throws `corrupt` with the first fault.
  public func verify() throws(MeasurementStoreError) {
    let check = try connection.prepare("PRAGMA integrity_check(1)")
    if try check.step(), check.text(0) != "ok" {
      throw MeasurementStoreError(.corrupt(check.text(0)), path: path)
    }
    let references = try connection.prepare("PRAGMA foreign_key_check")
    if try references.step() {
      throw MeasurementStoreError(
        .corrupt("a row of \(references.text(0)) refers to nothing"), path: path)
    }
    try forEach { (_) throws(MeasurementStoreError) in }
  }
}

/// The statements that a store uses again and again.
struct MeasurementStatements: ~Copyable {
  let addMachine: SQLiteStatement
  let addKernel: SQLiteStatement
  let addBatch: SQLiteStatement
  let findBatch: SQLiteStatement
  let addMeasurement: SQLiteStatement
  let findMeasurement: SQLiteStatement
  let addSampleSet: SQLiteStatement
  let findSampleSets: SQLiteStatement

  init(_ connection: borrowing SQLiteConnection) throws(MeasurementStoreError) {
    let addMachine = try connection.prepare(MeasurementSchema.addMachine)
    let addKernel = try connection.prepare(MeasurementSchema.addKernel)
    let addBatch = try connection.prepare(MeasurementSchema.addBatch)
    let findBatch = try connection.prepare(MeasurementSchema.findBatch)
    let addMeasurement = try connection.prepare(MeasurementSchema.addMeasurement)
    let findMeasurement = try connection.prepare(MeasurementSchema.findMeasurement)
    let addSampleSet = try connection.prepare(MeasurementSchema.addSampleSet)
    let findSampleSets = try connection.prepare(MeasurementSchema.findSampleSets)
    self.addMachine = addMachine
    self.addKernel = addKernel
    self.addBatch = addBatch
    self.findBatch = findBatch
    self.addMeasurement = addMeasurement
    self.findMeasurement = findMeasurement
    self.addSampleSet = addSampleSet
    self.findSampleSets = findSampleSets
  }
}
