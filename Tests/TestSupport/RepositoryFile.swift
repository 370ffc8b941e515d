import FoundationEssentials

/// Files of the checkout that tests read.
public enum RepositoryFile {
  /// The checkout's root, found from this file's place in it.
  public static let root: String = {
    var components = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    components.removeLast(3)
    return components.joined(separator: "/")
  }()

  /// The absolute path of a file given from the root.
  public static func path(_ relative: String) -> String { "\(root)/\(relative)" }

  /// The text of a file given from the root.
  public static func text(_ relative: String) throws -> String {
    String(decoding: try bytes(relative), as: UTF8.self)
  }

  /// The bytes of a file given from the root.
  public static func bytes(_ relative: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(relative))))
  }

  /// Paths under version control from the root on; all files where there is no git.
  public static func tracked() throws -> [String] {
    let git = try Subprocess.run("git", ["-C", root, "ls-files", "-z"])
    guard git.exitCode == 0 else { return try all() }
    return git.output.split(separator: "\0").map(String.init)
      .filter { FileManager.default.fileExists(atPath: path($0)) }
  }

  private static func all() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: root).filter { name in
      var isFolder = false
      return !name.hasPrefix(".build") && !name.hasPrefix(".git/")
        && FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder) && !isFolder
    }
  }
}
