"""A small concept tree: animal > cat (everyday) > tabby, tiger cat; animal > dog (everyday)."""

from tigertag.concepts import Concept, Concepts

ANIMAL, CAT, DOG, TABBY, TIGER_CAT, BEAGLE, CUP = "n1", "n2", "n3", "n4", "n5", "n6", "n7"

TREE = Concepts(
    [
        Concept(ANIMAL, "animal", (), everyday=True),
        Concept(CAT, "cat", (ANIMAL,), everyday=True),
        Concept(DOG, "dog", (ANIMAL,), everyday=True),
        Concept(TABBY, "tabby", (CAT,), everyday=False),
        Concept(TIGER_CAT, "tiger cat", (CAT,), everyday=False),
        Concept(BEAGLE, "beagle", (DOG,), everyday=False),
        Concept(CUP, "cup", (), everyday=False),
    ],
    imagenet=[TABBY, TIGER_CAT, BEAGLE, CUP],
    words={"cat": CAT, "kitty": CAT, "dog": DOG, "tabby": TABBY, "animal": ANIMAL, "cup": CUP},
)
