internal import CSQLite

/// A connection to one database file, with every call checked; closed with this value.
@safe struct SQLiteConnection: ~Copyable {
  private let handle: OpaquePointer
  let path: String

  /// Opens a file; `uri` may carry options of SQLite that a plain path cannot.
  init(
    path: String, uri: String? = nil, flags: Int32, busyMilliseconds: Int32
  ) throws(MeasurementStoreError) {
    var handle: OpaquePointer?
    // One thread owns a connection, so SQLite need not lock it.
    let flags = flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE
    let code = unsafe sqlite3_open_v2(uri ?? path, &handle, flags, nil)
    guard code == SQLITE_OK, let opened = unsafe handle else {
      let error = unsafe Self.error(code, handle, path: path)
      unsafe sqlite3_close_v2(handle)
      throw error
    }
    unsafe sqlite3_busy_timeout(opened, busyMilliseconds)
    unsafe self.handle = unsafe opened
    self.path = path
  }

  // Waits for statements that still live, which `sqlite3_close` would refuse.
  deinit { unsafe sqlite3_close_v2(handle) }

  /// Whether the file may only be read.
  var isReadOnly: Bool { unsafe sqlite3_db_readonly(handle, "main") == 1 }

  /// Runs statements that give no rows.
  func run(_ sql: String) throws(MeasurementStoreError) {
    try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil))
  }

  /// Compiles one statement, kept for many uses.
  func prepare(_ sql: String) throws(MeasurementStoreError) -> SQLiteStatement {
    var statement: OpaquePointer?
    try check(
      unsafe sqlite3_prepare_v3(
        handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
    guard let statement = unsafe statement else {
      throw MeasurementStoreError(.database(code: 0, "empty statement"), path: path)
    }
    return unsafe SQLiteStatement(statement, path: path)
  }

  /// The first column of a statement's only row.
  func integer(_ sql: String) throws(MeasurementStoreError) -> Int64 {
    let statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : 0
  }

  /// Runs `body` as one transaction: all of it is kept, or nothing.
  ///
  /// Takes the write lock at once, so that a wait for another writer happens before any work.
  func transaction<Result>(
    _ body: () throws(MeasurementStoreError) -> Result
  ) throws(MeasurementStoreError) -> Result {
    try run("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      // Fails where SQLite has rolled back by itself, as on a full disk; that is what is wanted.
      _ = unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
      throw error
    }
  }

  private func check(_ code: Int32) throws(MeasurementStoreError) {
    if code != SQLITE_OK { throw unsafe Self.error(code, handle, path: path) }
  }

  /// What an error of SQLite means for a store.
  static func error(_ code: Int32, _ handle: OpaquePointer?, path: String) -> MeasurementStoreError
  {
    let words = unsafe sqlite3_errmsg(handle).map { unsafe String(cString: $0) } ?? "no words"
    let kind: MeasurementStoreError.Kind =
      switch code & 0xFF {
      case SQLITE_NOTADB: .notAStore
      case SQLITE_CORRUPT: .corrupt(words)
      case SQLITE_READONLY, SQLITE_PERM: .readOnly
      case SQLITE_FULL: .diskFull
      // Writing past a quota or a limit on file sizes shows as an error of the write itself.
      case SQLITE_IOERR where code == SQLITE_IOERR | 3 << 8: .diskFull
      case SQLITE_BUSY, SQLITE_LOCKED: .busy
      case SQLITE_CANTOPEN: .cannotOpen(words)
      default: .database(code: code, words)
      }
    return MeasurementStoreError(kind, path: path)
  }
}
