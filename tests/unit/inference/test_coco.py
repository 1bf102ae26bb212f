from tigertag import concepts
from tigertag.inference import catalogue, coco


def test_there_are_eighty_classes_each_with_a_word_of_its_own() -> None:
    classes = coco.load().classes
    assert len(classes) == 80
    assert len({each.coco for each in classes}) == len({each.name for each in classes}) == 80
    named = [each.concept for each in classes if each.concept]
    assert len(set(named)) == len(named)


def test_words_of_the_concept_tree_are_the_trees_own() -> None:
    tree = concepts.load()
    for each in coco.load().classes:
        if each.concept and tree.get(each.concept):
            assert each.name == tree.name(each.concept)


def test_a_word_that_the_tree_knows_has_the_trees_concept() -> None:
    tree = concepts.load()
    for each in coco.load().classes:
        assert tree.find(each.name) in (None, each.concept)


def test_each_uncommon_word_is_one_of_a_class() -> None:
    assert len(coco.load().uncommon) == sum(not each.common for each in coco.load().classes)
    assert coco.load().uncommon


def test_each_model_has_thresholds_of_words_that_it_says() -> None:
    words = {each.name for each in coco.load().classes} | {coco.FACE}
    for name in (*catalogue.BEST_FIRST, "people", coco.OWN):
        least = coco.load().least_scores[name]
        assert set(least.each) <= words
        assert all(0.25 <= score <= 1 for score in (least.default, *least.each.values()))
