internal import Synchronization
internal import TraceModel

/// Sizes of the steps that recorders of this process have seen, whatever file they went to.
///
/// Each file's header has those of before it began.
enum ServedByProcess {
  private static let seen = Mutex(ServedSizes())

  static func note(rows: Int, tokens: Int) {
    seen.withLock { sizes in
      sizes.rows.insert(rows)
      sizes.tokens.insert(tokens)
    }
  }

  /// Adds what was seen to what the engine itself says in a header.
  static func add(to header: inout TraceHeader) {
    let sizes = seen.withLock { $0 }
    for (key, path) in ServedSizes.keys {
      var set = sizes[keyPath: path]
      if let own = header[key]?.string.flatMap(SizeSet.init(text:)) { set.formUnion(own) }
      header[key] = .string(set.text)
    }
  }
}
