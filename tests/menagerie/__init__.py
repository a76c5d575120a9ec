"""Models whose rows are of several types: interfaces, unions, generic relations, trees and tags."""
