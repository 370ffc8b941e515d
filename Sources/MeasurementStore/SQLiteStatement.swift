internal import CSQLite

/// A compiled statement, finalised with this value.
///
/// Bind, step until `step()` gives `false` or enough was read, then `reset()`.
@safe struct SQLiteStatement: ~Copyable {
  private let handle: OpaquePointer
  private let path: String

  init(_ handle: OpaquePointer, path: String) {
    unsafe self.handle = unsafe handle
    self.path = path
  }

  deinit { unsafe sqlite3_finalize(handle) }

  func bind(_ place: Int32, _ value: Int64?) throws(MeasurementStoreError) {
    guard let value else { return try check(unsafe sqlite3_bind_null(handle, place)) }
    try check(unsafe sqlite3_bind_int64(handle, place, value))
  }

  func bind(_ place: Int32, _ text: String) throws(MeasurementStoreError) {
    var text = text
    let code = text.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
        unsafe sqlite3_bind_text(
          handle, place, characters.baseAddress, Int32(clamping: characters.count),
          reprise_sqlite_transient())
      }
    }
    try check(code)
  }

  func bind(_ place: Int32, _ blob: [UInt8]) throws(MeasurementStoreError) {
    try check(
      unsafe sqlite3_bind_blob(
        handle, place, blob, Int32(clamping: blob.count), reprise_sqlite_transient()))
  }

  /// Goes to the next row; `false` where there is none.
  func step() throws(MeasurementStoreError) -> Bool {
    switch unsafe sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      let error = unsafe SQLiteConnection.error(code, sqlite3_db_handle(handle), path: path)
      reset()
      throw error
    }
  }

  /// Runs a statement that gives no rows.
  func run() throws(MeasurementStoreError) {
    _ = try step()
    reset()
  }

  /// Makes it ready for new values; the next `bind` replaces the old ones.
  func reset() { _ = unsafe sqlite3_reset(handle) }

  func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  func optionalText(_ column: Int32) -> String? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : text(column)
  }

  func text(_ column: Int32) -> String {
    guard let bytes = unsafe sqlite3_column_text(handle, column) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe String(
      decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  private func check(_ code: Int32) throws(MeasurementStoreError) {
    if code != SQLITE_OK {
      throw unsafe SQLiteConnection.error(code, sqlite3_db_handle(handle), path: path)
    }
  }
}
