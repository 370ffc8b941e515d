internal import KernelImages
internal import KernelSelection

extension KernelManifest {
  /// What was built for a context's heads and cache, by variant; an error where nothing was.
  ///
  /// Latent kernels take any number of splits: those that a policy may choose, and powers of two.
  func programs(
    in context: AttentionContext
  ) throws(KernelImageError) -> [KernelVariant: KernelProgram] {
    let shape = KernelShape(context, element: MeasuredTimes.element)
    var programs: [KernelVariant: KernelProgram] = [:]
    for name in variants(for: shape) {
      let program = try program(name, shape: shape)
      if let variant = KernelVariant(name: name) { programs[variant] = program }
      guard let family = KernelFamily(rawValue: name), family.isLatent else { continue }
      for splits in Self.splits(of: family) {
        let variant = KernelVariant(family, segments: splits)
        programs[variant] = program.split(splits, as: variant.name)
      }
    }
    if programs.isEmpty {
      _ = try program(shape.isLatent ? "triton-mla" : "triton-2d", shape: shape)
    }
    return programs
  }

  /// Numbers of splits that are looked at, ascending.
  static func splits(of family: KernelFamily) -> [Int] {
    let chosen = SelectionPolicies.all.flatMap(\.variants).filter { $0.family == family }
    return Set(chosen.map(\.segments) + (0...9).map { 1 << $0 }).sorted()
  }
}

extension KernelShape {
  /// What a kernel knows of a context.
  init(_ context: AttentionContext, element: String) {
    if context.isLatent {
      self = .latent(blockSize: context.kvBlockSize, element: element)
    } else {
      self.init(
        headSize: context.headSize, ratio: context.queryHeadsPerKVHead,
        blockSize: context.kvBlockSize, element: element)
    }
  }
}
