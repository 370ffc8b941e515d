#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Files of the checkout that tests read.
public enum RepositoryFile {
  /// The checkout's root, found from this file's place in it.
  public static var root: String {
    var components = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    components.removeLast(3)
    return components.joined(separator: "/")
  }

  /// The absolute path of a file given from the root.
  public static func path(_ relative: String) -> String { "\(root)/\(relative)" }

  /// The text of a file given from the root.
  public static func text(_ relative: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path(relative))), as: UTF8.self)
  }
}
