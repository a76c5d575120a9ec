"""What the seed makes names, titles and opinions of: LISTS, by the names that its statements use."""

FIRST_NAMES = """
    Ada Aïcha Akira Albert Amara Amélie Anders Anaïs Björn Beatriz Boris Bruno Camille Carlos Chidi
    Chloé Clara Dagny Daniel Dmitri Edith Eduardo Elena Elif Emeka Emil Fatima Fernanda Fiona
    Florian Freya Gabriel Georg Greta Guðrún Hana Hannah Haruki Hélène Henrik Ibrahim Ida Ingrid
    Inés Isaac Ivana Jakob Jamila João Johanna Jorge Julia Karim Katarzyna Kenji Klara Kwame Laila
    Lars Léa Leila Leo Li Linnea Lucía Łukasz Magda Malik Marcel Margarethe Marie Mateo Matilda Mei
    Milan Miriam Mohamed Nadia Naomi Niels Nikolai Nina Noah Nora Olga Omar Oskar Paloma Pascal
    Pavel Petra Priya Rafael Ravi Renée Rosa Ruth Samir Sara Selma Simone Sofía Søren Stefan Sven
    Tadeusz Tatjana Thandiwe Theo Thomas Tomás Ursula Valentina Vera Viktor Wanda William Xénia
    Yannick Yasmin Yuki Yusuf Zainab Zoë
""".split()

LAST_NAMES = """
    Abara Adler Ahmed Almeida Andersen Aoki Arnaud Asante Bakker Barbosa Becker Bell Benali
    Bergström Bianchi Blixen Bouchard Brandt Cáceres Carvalho Chen Cohen Costa D'Angelo Dahl Dubois
    Dumas Eco Egger Eliot Engström Eriksen Fischer Flores Forster Fournier Fujita García Gauthier
    Glass González Grass Greene Haddad Halvorsen Hansen Hashimoto Hoffmann Holm Horváth Ibarra Ito
    Ivanova Jansen Jensen Joubert Kaplan Kaur Keller Kim Kowalski Kruger Kundera Lagerlöf Larsson
    Laurent Lehmann Lessing Lindgren Lopes Mahfouz Mann Marchetti Márquez Mbeki Meyer Milton Moreau
    Müller Munro Nakamura Neruda Nguyen Novak Nwosu O'Brien O'Connor Okafor Olsen Ortega
    Papadopoulos Park Perec Petrov Pham Quiroga Rahman Reyes Ricci Rossi Roth Sánchez Santos Sato
    Schneider Shah Silva Singh Smirnova Stein Stendhal Suzuki Svensson Szabó Takeda Tanaka Tolosa
    Traoré Ueda Undset Vargas Vidal Vogel Wagner Wang Weber Weiss Winter Wolff Woolf Yamada Yılmaz
    Zamora Zimmermann Zweig
""".split()

ADJECTIVES = """
    Absent Ancient Bitter Blind Borrowed Broken Burning Careful Cold Crooked Crystal Dark Distant
    Drowned Early Electric Empty Endless Faithful Faraway Final Forgotten Frozen Gentle Gilded
    Golden Hidden Hollow Hungry Idle Impossible Invisible Last Late Little Lonely Long Lost Lucky
    Midnight Missing Narrow Northern Old Open Paper Patient Perfect Quiet Reluctant Restless Salted
    Second Secret Shallow Silent Silver Sleeping Slow Stolen Strange Sudden Sunken Thirteenth
    Unfinished Unknown Upright Velvet Wandering White Wild Winter Young
""".split()

NOUNS = """
    Alphabet Apprentice Archive Atlas Bell Bird Boat Bookbinder Bridge Candle Carousel Cartographer
    Cathedral Clockmaker Coast Comet Compass Daughter Detective Door Dream Echo Emperor Equation
    Fable Fever Fisherman Fog Forest Fountain Garden Ghost Glassblower Gravedigger Harbour Heir
    Horizon House Hunter Inventor Island Journey Kingdom Lantern Letter Librarian Lighthouse Machine
    Map Mapmaker Masquerade Memory Merchant Mirror Moon Mountain Museum Navigator Night Notebook
    Oracle Orchard Painter Passenger Photograph Piano Pilgrim Pilot Plague Puzzle Queen Question
    Raven Recipe Republic River Road Room Rose Sailor Scholar Season Secret Shadow Shoemaker Silence
    Sister Snowfall Son Song Spy Stair Station Storm Stranger Summer Theatre Thief Thread Tide Tower
    Traveller Treasure Tree Valley Violin Voyage Watchman Weaver Widow Window Witness Wolf
""".split()

PLACES = """
    Aleppo Alexandria Antwerp Bahia Bergen Bologna Bruges Cádiz Calcutta Constantinople Copenhagen
    Cork Dakar Damascus Danzig Delft Dublin Edinburgh Fez Florence Galway Ghent Gothenburg Granada
    Havana Hebron Heidelberg Helsinki Iceland Isfahan Kiruna Kraków Kyoto Lahore Leipzig Lisbon
    Ljubljana Lübeck Macau Málaga Marseille Montevideo Nairobi Naples Odessa Oran Oslo Palermo
    Patagonia Porto Prague Quito Riga Rouen Salamanca Samarkand Santiago Sarajevo Seville Smyrna
    Svalbard Tangier Tbilisi Timbuktu Toledo Trieste Trondheim Tunis Uppsala Utrecht Valparaíso
    Venice Vienna Vilnius Zanzibar Zürich
""".split()

HOUSES = ("Press", "Books", "& Sons", "Editions", "Verlag", "Publishing", "House", "& Daughters")

COUNTRIES = """
    Argentina Austria Belgium Brazil Canada Denmark Finland France Germany Ghana India Ireland Italy
    Japan Kenya Mexico Netherlands Nigeria Norway Poland Portugal Spain Sweden Switzerland Türkiye
""".split()

LANGUAGES = ("en", "en", "en", "en", "de", "fr", "es", "it", "ja", "pt", "sv")

AWARDS = (
    "Silver Quill", "Readers' Choice", "Booksellers' Prize", "Golden Bookmark", "Debut of the Year",
    "Northern Light", "Translator's Medal",
)  # fmt: skip

TAGS = (
    "adventure", "ageing", "animals", "art", "bilingual", "cities", "debut", "family", "friendship", "gift",
    "history", "humour", "illustrated", "large print", "love", "music", "mystery", "nature", "politics",
    "school", "science", "sea", "signed", "staff pick", "translated", "travel", "war", "winter",
)  # fmt: skip

HEADLINES = (
    "Not for me", "Gave up halfway", "Could have been shorter", "Nice enough", "Good company on a train",
    "Better than I feared", "A pleasant surprise", "Well told", "Kept me up all night", "A small masterpiece",
    "Read it twice", "My book of the year",
)  # fmt: skip

OPINIONS = (
    "The first chapter promises more than the rest can keep.",
    "I did not see the end coming.",
    "The translation reads like an original.",
    'My copy came with a "signed by the author" sticker, and without a signature.',
    "The characters stay with you.",
    "Some pages could have done with an editor.",
    "My daughter took it from me, and I had to wait.",
    "One can smell the sea.",
    "Slow at first, then impossible to put down.",
    "I have already ordered the next one.",
    "The maps at the end are a delight.",
    "Printed beautifully, bound badly.",
)  # fmt: skip

NOTES = (
    "Please wrap it as a gift.",
    "Leave it with the neighbours.",
    "Ring twice.\nThe bell is shy.",
    "No plastic, please.",
    "For the school library: invoice by post.",
)

LISTS = {
    "adjectives": ADJECTIVES,
    "awards": AWARDS,
    "countries": COUNTRIES,
    "first_names": FIRST_NAMES,
    "headlines": HEADLINES,
    "houses": HOUSES,
    "languages": LANGUAGES,
    "last_names": LAST_NAMES,
    "notes": NOTES,
    "nouns": NOUNS,
    "opinions": OPINIONS,
    "places": PLACES,
    "tags": TAGS,
}

# Three levels: shelves, their parts, and the parts of those.
CATEGORIES: dict[str, dict[str, tuple[str, ...]]] = {
    "Fiction": {
        "Crime": ("Detective stories", "Noir", "Spy novels", "True crime"),
        "Fantasy": ("Dark fantasy", "Fairy tales", "High fantasy"),
        "Science fiction": ("Dystopias", "Space operas", "Time travel"),
        "Literary fiction": ("Classics", "Contemporary", "Short stories"),
        "Historical novels": ("Antiquity", "Middle Ages", "World wars"),
    },
    "Non-fiction": {
        "History": ("Ancient history", "Modern history", "Biographies"),
        "Science": ("Astronomy", "Biology", "Mathematics", "Physics"),
        "Society": ("Economics", "Law", "Politics"),
        "Nature": ("Birds", "Gardens", "Mountains"),
    },
    "Children": {
        "Picture books": ("Animals", "Bedtime stories"),
        "First readers": ("Adventures", "School stories"),
        "Young adults": ("Coming of age", "Romance"),
    },
    "Living": {
        "Cooking": ("Baking", "Vegetables", "World kitchens"),
        "Travel": ("Guides", "Travel writing"),
        "Crafts": ("Knitting", "Woodwork"),
    },
}
