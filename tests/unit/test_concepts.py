"""The concept tree: its graph, and the data that comes with the program."""

from collections import Counter

import pytest

from tigertag.concepts import Concept, Concepts, load

TABBY, CAT, DOG, ANIMAL = "n02123045", "n02121620", "n02084071", "n00015388"
VAGUE = {"entity", "object", "whole", "artifact", "instrumentality", "implement", "device"}
VAGUE |= {"equipment", "container", "structure", "covering", "commodity", "product", "matter"}
VAGUE |= {"organism", "chordate", "vertebrate", "mammal", "placental", "carnivore", "clothing"}
VAGUE |= {"landscape", "shore"}
DETECTED = {"people", "group", "giraffe", "sandwich", "carrot", "doughnut", "cake"}
DETECTED |= {"suitcase", "kite", "surfboard", "skateboard", "snowboard", "frisbee"}
DETECTED |= {"baseball bat", "baseball glove", "tennis racket"}
"""What detectors tell, and ImageNet has no class for."""


def small() -> Concepts:
    return Concepts(
        [
            Concept("top", "animal", (), everyday=True),
            Concept("left", "pet", ("top",), everyday=False),
            Concept("right", "cat", ("top",), everyday=True),
            Concept("low", "tabby", ("left", "right"), everyday=False),
            Concept("lone", "knot", (), everyday=False),
        ],
        imagenet=["low", "lone"],
        words={"tabby": "low", "tabby cat": "low"},
    )


def ids_named(*names: str) -> list[str]:
    by_name = {concept.name: concept.id for concept in load()}
    return [by_name[name] for name in names]


@pytest.mark.parametrize("method", ["name", "ancestors", "everyday_ancestor"])
def test_it_raises_for_an_id_that_it_does_not_know(method: str) -> None:
    with pytest.raises(KeyError):
        getattr(small(), method)("n99999999")


def test_it_has_no_concept_for_an_unknown_id() -> None:
    assert small().get("n99999999") is None


def test_it_finds_nothing_for_an_unknown_word() -> None:
    assert small().find("") is None
    assert small().find("cat") is None


def test_it_finds_a_word_whatever_its_case_and_spaces() -> None:
    assert small().find(" Tabby  CAT ") == "low"


def test_it_lists_each_ancestor_once_and_the_nearest_first() -> None:
    assert small().ancestors("low") == ("left", "right", "top")
    assert small().ancestors("top") == ()


def test_it_passes_over_ancestors_that_nobody_searches_by() -> None:
    assert small().everyday_ancestor("low") == "right"
    assert small().everyday_ancestor("left") == "top"


def test_an_everyday_concept_needs_no_everyday_ancestor() -> None:
    assert small().everyday_ancestor("right") is None
    assert small().everyday_ancestor("lone") is None


def test_it_has_the_1000_imagenet_classes_in_order() -> None:
    classes = load().imagenet
    assert len(classes) == len(set(classes)) == 1000
    assert list(classes) == sorted(classes)
    assert all(load().get(id) for id in classes)


@pytest.mark.parametrize(
    ("index", "id", "name"),
    [
        (0, "n01440764", "tench"),
        (134, "n02012849", "crane bird"),
        (255, "n02111129", "Leonberger"),
        (281, TABBY, "tabby"),
        (282, "n02123159", "tiger cat"),
        (285, "n02124075", "Egyptian cat"),
        (474, "n02963159", "cardigan"),
        (517, "n03126707", "construction crane"),
        (665, "n03785016", "moped"),
        (967, "n07920052", "espresso"),
        (999, "n15075141", "toilet paper"),
    ],
)
def test_it_names_the_class(index: int, id: str, name: str) -> None:
    assert load().imagenet[index] == id
    assert load().name(id) == name


def test_no_two_concepts_share_a_name() -> None:
    names = Counter(concept.name.casefold() for concept in load())
    assert [name for name, count in names.items() if count > 1] == []


def test_a_name_is_a_word_that_can_be_written_as_a_tag() -> None:
    assert [
        c.name for c in load() if c.name != c.name.strip() or set(c.name) & set(",;_|()/")
    ] == []


def test_every_parent_is_there() -> None:
    assert all(load().get(parent) for concept in load() for parent in concept.parents)


def test_no_concept_stands_above_itself() -> None:
    assert [c.name for c in load() if c.id in load().ancestors(c.id)] == []


def test_no_parent_stands_above_another_parent() -> None:
    tree = load()
    for concept in tree:
        above = {id for parent in concept.parents for id in tree.ancestors(parent)}
        assert not above & set(concept.parents), concept.name


def test_every_concept_is_a_class_or_stands_above_one() -> None:
    tree = load()
    reached = set(tree.imagenet).union(*(tree.ancestors(id) for id in tree.imagenet))
    assert {concept.name for concept in tree if concept.id not in reached} == DETECTED


@pytest.mark.parametrize(
    ("name", "general"),
    [
        ("beagle", ["animal"]),
        ("banana", ["fruit", "food"]),
        ("mountain peak", ["snow"]),
        ("coast", ["sea"]),
        ("toilet", ["bathroom"]),
        ("refrigerator", ["kitchen"]),
        ("four-poster bed", ["bedroom"]),
        ("taxi", ["street", "vehicle"]),
        ("cliff", []),
    ],
)
def test_general_words_stand_above_what_they_contain(name: str, general: list[str]) -> None:
    tree = load()
    (id,) = (concept.id for concept in tree if concept.name == name)
    assert [tree.name(up) for up in tree.general_ancestors(id)] == general


def test_no_tag_is_a_vague_word() -> None:
    assert VAGUE.isdisjoint(concept.name for concept in load())


@pytest.mark.parametrize(
    ("classes", "name"),
    [
        (range(7), "fish"),
        (range(7, 25), "bird"),
        (range(80, 101), "bird"),
        (range(127, 147), "bird"),
        (range(33, 69), "reptile"),
        (range(72, 78), "spider"),
        (range(151, 269), "dog"),
        (range(281, 286), "cat"),
        (range(286, 294), "wild cat"),
        (range(300, 327), "insect"),
        (range(365, 370), "ape"),
        (range(370, 383), "monkey"),
        (range(930, 932), "bread"),
        (range(991, 998), "mushroom"),
    ],
)
def test_it_has_the_plain_word_above_each_class(classes: range, name: str) -> None:
    (above,) = ids_named(name)
    tree = load()
    classes_outside = [i for i in classes if above not in tree.ancestors(tree.imagenet[i])]
    assert classes_outside == []


def test_only_house_cats_and_dog_breeds_are_cats_and_dogs() -> None:
    tree = load()
    counts = Counter(up for id in tree.imagenet for up in tree.ancestors(id))
    assert (counts[CAT], counts[DOG]) == (5, 118)
    assert (tree.name(CAT), tree.name(DOG)) == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "ancestors"),
    [
        ("tabby", ["cat", "animal"]),
        ("Leonberger", ["dog", "animal"]),
        ("espresso", ["coffee", "drink"]),
        ("moped", ["motorcycle", "vehicle"]),
        ("warplane", ["airplane", "aircraft", "vehicle"]),
        ("schooner", ["sailing boat", "boat", "watercraft", "vehicle"]),
        ("daisy", ["flower", "plant"]),
        ("burrito", ["food"]),
        ("castle", ["building"]),
        ("notebook computer", ["laptop", "computer"]),
        ("lion", ["big cat", "wild cat", "animal"]),
        ("knot", []),
    ],
)
def test_it_climbs_by_plain_words(name: str, ancestors: list[str]) -> None:
    (id,) = ids_named(name)
    assert [load().name(up) for up in load().ancestors(id)] == ancestors


@pytest.mark.parametrize(
    ("name", "everyday"),
    [
        ("tabby", "cat"),
        ("toy poodle", "dog"),
        ("lion", "big cat"),
        ("lynx", "wild cat"),
        ("bald eagle", "bird"),
        ("snail", "animal"),
        ("minivan", "car"),
        ("church", "building"),
        ("espresso", "coffee"),
    ],
)
def test_it_adds_the_word_that_people_search_by(name: str, everyday: str) -> None:
    (id,) = ids_named(name)
    above = load().everyday_ancestor(id)
    assert above is not None
    assert load().name(above) == everyday


@pytest.mark.parametrize("word", ["crane", "bow", "boxer", "drake", "pitcher"])
def test_a_word_of_more_than_one_meaning_finds_nothing(word: str) -> None:
    assert load().find(word) is None


@pytest.mark.parametrize(
    ("word", "id"),
    [
        ("Cat", CAT),
        ("domestic cat", CAT),
        ("automobile", "n02958343"),
        ("aeroplane", "n02691156"),
        ("animal", ANIMAL),
        ("killer whale", "n02071294"),
    ],
)
def test_it_finds_names_and_sure_synonyms(word: str, id: str) -> None:
    assert load().find(word) == id


def test_a_name_never_finds_another_concept() -> None:
    found = {concept: load().find(concept.name) for concept in load()}
    assert [concept.name for concept, id in found.items() if id not in (concept.id, None)] == []


def test_it_is_read_once() -> None:
    assert load() is load()
