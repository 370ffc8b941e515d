internal import CSQLite
internal import Glibc

extension SQLiteConnection {
  /// Whether a file is there.
  static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

  /// A path as it stands in a `file:` URI.
  static func escaped(_ path: String) -> String {
    var escaped = ""
    for scalar in path.unicodeScalars {
      switch scalar {
      case "%": escaped += "%25"
      case "?": escaped += "%3f"
      case "#": escaped += "%23"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Writes to a log beside the file from now on, so that readers and a writer do not wait for each
  /// other.
  ///
  /// The switch needs the file for itself for a moment, and SQLite does not wait for that by itself.
  func useWriteAheadLog() throws(MeasurementStoreError) {
    for _ in 0..<100 {
      do {
        let mode = try prepare("PRAGMA journal_mode = WAL")
        _ = try mode.step()
        return
      } catch {
        guard error.kind == .busy else { throw error }
        sqlite3_sleep(20)
      }
    }
    throw MeasurementStoreError(.busy, path: path)
  }
}
