public import TraceModel

extension ModelProfile {
  /// This model's times as another shape would have them, on the same machine and engine.
  ///
  /// Steps of a graph read every weight once, steps in pieces compute with each weight for every token,
  /// and both then take as long as there are weights; the host launches as many kernels as there are
  /// layers. Small kernels of each layer are in this as if they, too, went with weights, and what GPUs of
  /// a tensor-parallel engine tell one another is not: of the two models of the built-in profile one is
  /// a seventh off where the other stands in.
  public func standingIn(for other: ModelShape) -> ModelProfile {
    let read = other.weightsRead / shape.weightsRead
    let computed = other.operationsPerToken / shape.operationsPerToken
    var profile = ModelProfile(
      shape: other, rest: rest.scaled(graphs: read, pieces: computed),
      host: host.scaled(layers: Double(other.layers) / Double(shape.layers)),
      recordings: recordings)
    profile.standsIn = shape
    return profile
  }
}

extension ModelShape {
  /// Whether steps of this model beside attention are those of another, whatever either is called.
  func computesLike(_ other: ModelShape) -> Bool {
    layers == other.layers && hiddenSize == other.hiddenSize && headSize == other.headSize
      && intermediateSize == other.intermediateSize && queryHeads == other.queryHeads
      && kvHeads == other.kvHeads
  }

  /// Weights that a decode step reads: all layers, and the output's projection.
  fileprivate var weightsRead: Double {
    operationsPerToken / 2 + Double(hiddenSize) * Double(vocabularySize)
  }
}

extension RestOfStep {
  fileprivate func scaled(graphs: Double, pieces: Double) -> RestOfStep {
    RestOfStep(
      graphs: self.graphs.scaled(by: graphs), pieces: self.pieces.scaled(by: pieces),
      spread: spread, limit: limit)
  }
}

extension HostTiming {
  /// The same host where launches in pieces have so many times as many layers.
  fileprivate func scaled(layers factor: Double) -> HostTiming {
    var host = self
    host.processPaces = [factor]
    host = host.process(0)
    host.processPaces = processPaces
    return host
  }
}
