/// Why a store cannot be read or written, and what to do.
public struct MeasurementStoreError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The file cannot be opened or made.
    case cannotOpen(String)
    /// The file is no measurement store.
    case notAStore
    /// A later version has written the store.
    case newerVersion(Int)
    /// The file is damaged.
    case corrupt(String)
    /// The file, its folder or the way it was opened forbids writing.
    case readOnly
    /// There is no room for what was to be written; nothing of it was.
    case diskFull
    /// Other processes kept the store locked for as long as this one was willing to wait.
    case busy
    /// Two stores say different things of one batch.
    case conflict(String)
    /// A value that no measurement has.
    case invalid(String)
    /// Any other error of SQLite.
    case database(code: Int32, String)
  }

  /// What is wrong.
  public var kind: Kind
  /// The store's path.
  public var path: String

  /// An error about a store.
  public init(_ kind: Kind, path: String) {
    self.kind = kind
    self.path = path
  }

  /// One line: what, where, what to do.
  public var message: String {
    let text =
      switch kind {
      case .cannotOpen(let reason): "cannot open (\(reason)); check the path and its folder"
      case .notAStore: "not a measurement store; give the file that reprise measure wrote"
      case .newerVersion(let version): "written by a later version (\(version)); update reprise"
      case .corrupt(let detail): "damaged (\(detail)); export what is readable, or measure again"
      case .readOnly: "cannot be written; copy it to where you may write"
      case .diskFull:
        "no room to write; free some, then run again: what was measured before is kept"
      case .busy: "locked by another process; wait for it to end, then run again"
      case .conflict(let detail): "contradicts what it is merged with (\(detail)); measure again"
      case .invalid(let detail): "invalid measurement (\(detail))"
      case .database(let code, let detail): "SQLite error \(code): \(detail)"
      }
    return "\(path): \(text)"
  }
}
