def written(tree): raise NotImplementedError
