internal import Glibc
internal import TraceModel

/// What one build of kernels for one architecture has written.
public struct KernelManifest: Sendable {
  /// The form that this version reads.
  static let format = "reprise-kernels/1"

  /// The architecture that it is for, such as `sm_90`.
  public let architecture: String
  /// What was built, in the manifest's order.
  public let programs: [KernelProgram]
  /// The manifest's path.
  public let path: String

  /// Reads `DIRECTORY/<architecture>/manifest.json`.
  public init(directory: String, architecture: String) throws(KernelImageError) {
    let path = "\(directory)/\(architecture)/manifest.json"
    guard unsafe access(path, F_OK) == 0 else {
      throw .notBuilt(path: path, architecture: architecture)
    }
    let bytes = try Self.bytes(of: path, atMost: KernelImageLimits.manifestBytesMax)
    try self.init(json: bytes, path: path)
    guard self.architecture == architecture else {
      throw .architecture(path: path, found: self.architecture, wanted: architecture)
    }
  }

  /// Reads a manifest's bytes; cubins are sought beside `path`.
  public init(json bytes: [UInt8], path: String) throws(KernelImageError) {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let json: JSONValue
    do { json = try JSONValue(parsing: bytes) } catch {
      throw .invalid(path: path, reason: error.message)
    }
    let root = ManifestObject(value: json, place: "manifest", path: path)
    let format = try root.string("format")
    guard format == Self.format else {
      throw .invalid(path: path, reason: "format '\(format)', not '\(Self.format)'")
    }
    var shapes: [String: KernelShape] = [:]
    for object in try root.objects("shapes") {
      let isLatent = object.value["latent"]?.bool == true
      shapes[try object.string("name")] = KernelShape(
        headSize: try object.integer("head_size"),
        ratio: isLatent ? 0 : try object.integer("ratio"),
        blockSize: try object.integer("block_size"), element: try object.string("element"))
    }
    var images: [String: KernelImage] = [:]
    for object in try root.objects("images") {
      let image = try object.image(folder: folder.isEmpty ? "." : folder)
      images[image.key] = image
    }
    var programs: [KernelProgram] = []
    for object in try root.objects("variants") {
      let name = try object.string("shape")
      guard let shape = shapes[name] else {
        throw .invalid(
          path: path, reason: "\(object.place) has the shape '\(name)', which is not listed")
      }
      programs.append(try object.program(shape: shape, images: images))
    }
    self.architecture = try root.string("architecture")
    self.programs = programs
    self.path = path
  }

  /// What a variant runs for a shape; an error says which call builds it.
  public func program(
    _ variant: String, shape: KernelShape
  ) throws(KernelImageError) -> KernelProgram {
    guard let program = programs.first(where: { $0.variant == variant && $0.shape == shape })
    else {
      throw .missing(
        variant: variant, path: path, command: shape.buildCommand(architecture: architecture))
    }
    return program
  }

  /// The names of the variants that were built for a shape, in the manifest's order.
  public func variants(for shape: KernelShape) -> [String] {
    programs.filter { $0.shape == shape }.map(\.variant)
  }

  /// The bytes of a compiled function.
  public static func cubin(of image: KernelImage) throws(KernelImageError) -> [UInt8] {
    try bytes(of: image.path, atMost: KernelImageLimits.imageBytesMax)
  }

  private static func bytes(
    of path: String, atMost limit: Int
  ) throws(KernelImageError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: reason()) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe piece.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(path: path, reason: reason()) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= limit else {
        throw .invalid(path: path, reason: "more than \(limit) bytes")
      }
    }
  }

  private static func reason() -> String {
    unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
  }
}

/// An object of a manifest with its place, for errors.
private struct ManifestObject {
  let value: JSONValue
  let place: String
  let path: String

  private func missing(_ key: String, _ what: String) -> KernelImageError {
    .invalid(path: path, reason: "\(place) has no \(what) '\(key)'")
  }

  func string(_ key: String) throws(KernelImageError) -> String {
    guard let string = value[key]?.string else { throw missing(key, "text") }
    return string
  }

  func integer(_ key: String) throws(KernelImageError) -> Int {
    guard let integer = value[key]?.int, (0...Int(Int32.max)).contains(integer) else {
      throw missing(key, "whole number")
    }
    return integer
  }

  func objects(_ key: String) throws(KernelImageError) -> [ManifestObject] {
    guard case .array(let values)? = value[key] else { throw missing(key, "list") }
    return values.enumerated().map { index, value in
      ManifestObject(value: value, place: "\(key)[\(index)]", path: path)
    }
  }

  func image(folder: String) throws(KernelImageError) -> KernelImage {
    var arguments: [KernelArgument] = []
    for object in try objects("arguments") {
      arguments.append(
        KernelArgument(
          name: try object.string("name"), type: try object.string("type"),
          divisibleBy: max(1, try object.integer("divisible_by"))))
    }
    var constants: [JSONValue.Member] = []
    if case .object(let members)? = value["constants"] { constants = members }
    return KernelImage(
      key: try string("key"), path: "\(folder)/\(try string("file"))",
      sha256: try string("sha256"), entry: try string("entry"), arguments: arguments,
      constants: constants, warps: try integer("num_warps"), threads: try integer("threads"),
      sharedBytes: try integer("shared_bytes"),
      scratchBytes: try integer("global_scratch_bytes") + integer("profile_scratch_bytes"))
  }

  func program(
    shape: KernelShape, images: [String: KernelImage]
  ) throws(KernelImageError) -> KernelProgram {
    var launches: [KernelLaunch] = []
    for object in try objects("launches") {
      guard let image = images[try object.string("image")] else {
        throw .invalid(path: path, reason: "\(place) launches an image that is not listed")
      }
      guard case .array(let names)? = object.value["grid"], names.count == 3 else {
        throw .invalid(path: path, reason: "\(place) has a launch without three grid extents")
      }
      launches.append(KernelLaunch(image: image, grid: names.compactMap(\.string)))
    }
    return KernelProgram(
      variant: try string("name"), shape: shape, segments: try integer("segments"),
      blockM: shape.isLatent ? 0 : try integer("block_m"), launches: launches)
  }
}
