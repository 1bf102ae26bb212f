from tigertag import concepts
from tigertag.inference import catalogue, coco


def test_there_are_eighty_classes_each_with_a_concept_of_its_own() -> None:
    classes = coco.load().classes
    named = [each.concept for each in classes if each.concept]
    assert len(classes) == len({each.name for each in classes}) == 80
    assert len(set(named)) == len(named) == 79


def test_a_class_that_the_concept_tree_knows_has_the_trees_concept() -> None:
    tree = concepts.load()
    for each in coco.load().classes:
        assert tree.find(each.name) in (None, each.concept)


def test_most_classes_are_in_the_concept_tree() -> None:
    tree = concepts.load()
    common = [each.concept for each in coco.load().classes if each.common]
    assert sum(bool(concept and tree.get(concept)) for concept in common) >= 48


def test_each_uncommon_word_is_a_class() -> None:
    assert len(coco.load().uncommon) == sum(not each.common for each in coco.load().classes)
    assert coco.load().uncommon


def test_each_model_has_thresholds_of_classes_that_it_says() -> None:
    words = {each.name for each in coco.load().classes} | {coco.FACE}
    for name in (*catalogue.BEST_FIRST, "people", coco.OWN):
        least = coco.load().least_scores[name]
        assert set(least.each) <= words
        assert all(0.25 <= score <= 1 for score in (least.default, *least.each.values()))
