/// Why compiled kernels cannot be used, and what to do.
public enum KernelImageError: Error, Hashable, Sendable {
  /// Nothing was built here for the architecture.
  case notBuilt(path: String, architecture: String)
  /// A file cannot be read.
  case unreadable(path: String, reason: String)
  /// The manifest is not what a build writes.
  case invalid(path: String, reason: String)
  /// The manifest is of another architecture than the GPU.
  case architecture(path: String, found: String, wanted: String)
  /// No kernel was built for a variant and shape; `command` builds it.
  case missing(variant: String, path: String, command: String)

  /// One line: what, where, what to do.
  public var message: String {
    switch self {
    case .notBuilt(let path, let architecture):
      "no kernels for \(architecture) at '\(path)'; run 'reprise kernels build --arch \(architecture)'"
    case .unreadable(let path, let reason):
      "cannot read '\(path)': \(reason); run 'reprise kernels build' again"
    case .invalid(let path, let reason):
      "'\(path)': \(reason); run 'reprise kernels build' again"
    case .architecture(let path, let found, let wanted):
      "'\(path)' holds kernels for \(found), and the GPU is \(wanted); "
        + "run 'reprise kernels build --arch \(wanted)'"
    case .missing(let variant, let path, let command):
      "'\(path)' has no kernel '\(variant)' for these heads; run '\(command)'"
    }
  }
}
